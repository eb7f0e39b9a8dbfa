import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calculator, evaluate } from '../../../../demo/tools/calculator.ts'

describe('evaluate', () => {
  it.each([
    ['18 * 44', 792],
    ['3 * (4 + 5)', 27],
    ['2 ^ 3 ^ 2', 512],
    ['-2 ^ 2', -4],
    ['2 ** 10', 1024],
    ['2 ^ -1', 0.5],
    ['17 % 5', 2],
    ['10 - -3', 13],
    ['15%', 0.15],
    ['200 * 15%', 30],
    ['15% of 200', 30],
    ['50% + 1', 1.5],
    ['5 % (2 + 1)', 2],
    ['1,234 + 1', 1235],
    ['max(1,200)', 200],
    ['max(1, 2, 3) - min(4, 5)', -1],
    ['sqrt(16) + √9', 7],
    ['2 × 3 ÷ 4 − 1', 0.5],
    ['7 x 8', 56],
    ['2 * pi', 2 * Math.PI],
    ['1e3 + .5', 1000.5],
    ['log(1000)', 3],
    ['12 * (8 - 3) =', 60],
  ])('%s is %d', (expression, value) => {
    expect(evaluate(expression)).toBeCloseTo(value, 9)
  })

  it.each([
    ['1 +', 'ends too early'],
    ['(1 + 2', 'closing parenthesis'],
    ['1 2', 'Unexpected "2"'],
    ['4 / 0', 'Division by zero'],
    ['5 % 0', 'Division by zero'],
    ['', 'empty'],
    ['alert(1)', '"alert" is not a function'],
    ['constructor', '"constructor" is not a function'],
    ['process.exit()', 'not arithmetic'],
    ['1; 2', '";'],
    ['9 ^ 9 ^ 9', 'not a finite'],
    ['sqrt(-1)', 'not a finite'],
    ['1+'.repeat(300), 'longer than'],
  ])('%j is refused: %s', (expression, reason) => {
    expect(() => evaluate(expression)).toThrow(reason)
  })

  it('agrees with JavaScript on sums and products', () => {
    const term = fc.tuple(fc.constantFrom('+', '-', '*', '/'), fc.integer({ min: 1, max: 999 }))
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        fc.array(term, { maxLength: 6 }),
        (first, rest) => {
          const terms = [first, ...rest.flatMap(([operator, value]) => [operator, value])]
          const groups: number[] = []
          let sign = 1
          let product = first
          for (const [operator, value] of rest) {
            if (operator === '*') product *= value
            else if (operator === '/') product /= value
            else {
              groups.push(sign * product)
              sign = operator === '-' ? -1 : 1
              product = value
            }
          }
          const expected = [...groups, sign * product].reduce((sum, part) => sum + part, 0)
          expect(evaluate(terms.join(' '))).toBeCloseTo(expected, 6)
        },
      ),
    )
  })
})

describe('calculator', () => {
  it('answers without floating-point noise', () => {
    expect(calculator.run({ expression: '0.1 + 0.2' }, new AbortController().signal)).toEqual({
      result: 0.3,
    })
  })
})
