import { describe, expect, it } from 'vitest'
import { acceptedOf, toyGrammars } from './toy-grammars.ts'

const compile = (text: string) => toyGrammars.compile({ kind: 'grammar', text })

/** A grammar with texts that it must let through, and others that it must not. */
const cases: readonly (readonly [grammar: string, good: string[], bad: string[]])[] = [
  ['answer: "yes" | "no"', ['yes', 'no'], ['', 'yesno']],
  ["// Before.\nstart: greeting '!' # behind\ngreeting: 'Hi'\n  | 'Bye'", ['Hi!', 'Bye!'], ['Hi']],
  ['b: "b"\nstart: b a\na: "a" // c: d', ['ba'], ['b', 'ab']],
  [
    'start: "a"? [ "b" "c" ] ("d" | "e")+ "f"* "g"~2 "h"~1..2',
    ['abcdeffggh', 'dggh', 'eegghh'],
    ['ggh', 'abdggh', 'dgh', 'dgghhh'],
  ],
  ['start: [0-9]{2} "a"{1,} "b"{0,2}', ['12a', '12aaabb'], ['1a', '123a', '12', '12abbb']],
  ['start: /[a-c]\\/\\d{2}/ [0-9]+', ['a/123'], ['a/12', 'd/123', 'a123']],
  ['start: "select"i "\\u00e9\\n\\"" "0".."4"', ['SeLecT\u00e9\n"3'], ['select\u00e9\n"5']],
  [
    '%import common.NUMBER\n%import common (CNAME, ESCAPED_STRING)\n%import common.INT -> N\n%ignore " "\n%llguidance {}\n' +
      'start: (CNAME "=" NUMBER ESCAPED_STRING N)*',
    ['', 'a_1=1.5e3"a\\"b"12', 'b=2""0'],
    ['1=1""1', 'b=""1', 'b=1""', 'b =1""1'],
  ],
  [
    '?start: sum\n?sum: product (("+" | "-") product)* -> plus\nproduct.2: atom ("*" atom)*\n' +
      '!atom: "1" | "-" atom | "(" sum ")"',
    ['1+1*-1', '(1-(1))*1'],
    ['1+', '(1', '11'],
  ],
  ['start: start "+" n | n\nn: "1" | ""', ['1', '1+1+1', '', '+1'], ['11']],
]

describe('a grammar in the notation of Lark', () => {
  it.each(cases)('lets just its texts through: %s', async (text, good, bad) => {
    expect(await acceptedOf(await compile(text), [...good, ...bad])).toEqual(good)
  })

  it.each([
    ['start: number', '"start" names "number", which is not defined'],
    ['start: "a', 'Unexpected "\\"a" in the rule "start"'],
    ['start: /a', 'Unexpected "/a"'],
    ['start: ("a" | "b"', 'ends too early in the rule "start"'],
    ['start: "a")', 'Unexpected ")"'],
    ['start: "a"~x', 'Unexpected "x"'],
    ['start: /a/i', 'Unexpected "/a/i"'],
    ['start: "b".."a"', 'Unexpected "\\"a\\""'],
    ['start: "a"\nstart: "b"', 'defines "start" twice'],
    ['%import python.NAME\nstart: NAME', 'no "%import python.NAME"'],
    ['%import common.NOTHING\nstart: NOTHING', 'no "%import common.NOTHING"'],
    ['yes or no', 'begins with "yes or no"'],
    ['// Nothing.', 'no rules'],
  ])('is refused by the place of what is wrong: %s', async (text, message) => {
    await expect(compile(text)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(message),
    })
  })

  it('is refused at once, however long it is', async () => {
    const started = performance.now()
    for (const part of ['(', '"\\', '[1\\', 'a ', '{1']) {
      const text = `start: ${part.repeat(1e5)}`
      await expect(compile(text)).rejects.toMatchObject({ code: 'invalid-request' })
    }
    expect(performance.now() - started).toBeLessThan(15_000)
  })
})
