import { describe, expect, test } from 'vitest'
import { typesOf } from '../../../src/parsers/parameter-schemas.ts'
import { coerceText, literalText, readTools } from '../../../src/parsers/tool-schemas.ts'

describe('text as the first type that takes it', () => {
  test.each([
    ['null', ['null', 'string'], 'null'],
    ['null', ['string'], '"null"'],
    ['42', ['integer'], '42'],
    ['+42', ['integer'], '42'],
    ['5.0', ['integer'], '5'],
    ['5.0', ['number'], '5'],
    ['5.5', ['integer'], '5.5'],
    ['5.5', ['integer', 'string'], '"5.5"'],
    ['5.5', ['number'], '5.5'],
    ['12345678901234567890', ['integer'], '12345678901234567890'],
    ['inf', ['number'], '"inf"'],
    ['NaN', ['number'], '"NaN"'],
    ['', ['number'], '""'],
    ['TRUE', ['boolean'], 'true'],
    ['0', ['boolean'], 'false'],
    ['0', ['boolean', 'integer'], '0'],
    ['yes', ['boolean'], '"yes"'],
    [' {"a": 1.0} ', ['object'], '{"a": 1.0}'],
    ['[1]', ['object'], '[1]'],
    ['[1]', ['object', 'string'], '"[1]"'],
    [' "a" ', ['any'], '"a"'],
    ['a', ['any'], '"a"'],
    ["{'a': None}", ['object'], '{"a": null}'],
    ['(1, 2)', ['array'], '[1, 2]'],
    ['[1', ['array'], '"[1"'],
    ['[1] x', ['array'], '"[1] x"'],
    ['x "y"', ['string'], '"x \\"y\\""'],
    ['42', [], '"42"'],
  ])('%s of %j', (text, types, json) => {
    expect(coerceText(text, new Set(types))).toBe(json)
  })
})

test.each([
  ['42', '42'],
  ['True', 'true'],
  ["['a']", '["a"]'],
  ['"quoted"', '"quoted"'],
  [' two words ', '" two words "'],
])('text %s as a literal', (text, json) => {
  expect(literalText(text)).toBe(json)
})

describe('tools', () => {
  const properties = { a: { type: 'integer' } }
  test.each([
    [{ type: 'function', function: { name: 'f', parameters: { properties } } }],
    [{ name: 'f', parameters: { properties } }],
  ])('%j', (tool) => {
    const schemas = readTools([tool])
    expect([schemas.has('f'), schemas.has('g')]).toEqual([true, false])
    expect(typesOf(schemas.parameter('f', 'a'))).toEqual(new Set(['integer']))
    expect(schemas.parameter('f', 'constructor')).toBe(undefined)
    expect(schemas.parameter('g', 'a')).toBe(undefined)
    expect([schemas.describes('f'), schemas.describes('g')]).toEqual([true, false])
  })

  test('have the names of the request, doubled or not', () => {
    const schemas = readTools([{ name: 'f' }, { name: 'g.g' }, { name: 'g' }])
    const kept = ['f', 'f.f.f', 'f.g', 'h.h', 'g.g', '.', '']
    expect(kept.map((name) => schemas.nameOf(name))).toEqual(kept)
    expect(schemas.nameOf('f.f')).toBe('f')
  })

  test('that are not known refuse no name, and what is no tool is passed over', () => {
    expect(readTools(null).has('f')).toBe(true)
    expect(readTools([null, 'f', { function: {} }]).has('f')).toBe(true)
  })
})
