import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createValueReader, literalSyntax } from '../../../../src/parsers/grammars/value-reader.ts'

/** What comes of a text, and what of it is left where the value ends. */
const read = (text: string, syntax = literalSyntax) => {
  let json = ''
  const reader = createValueReader({ syntax, emit: (piece) => void (json += piece) })
  for (let at = 0; at < text.length; at++) {
    const result = reader.read(text.charAt(at))
    if (result === 'end') return { json, rest: text.slice(at + 1) }
    if (result === 'before') return { json, rest: text.slice(at) }
    if (result === 'invalid') {
      reader.complete()
      return { json, rest: text.slice(at) }
    }
  }
  reader.complete()
  return { json, rest: '' }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('a value', () => {
  test('of JSON comes out byte for byte', () => {
    const indent = fc.constantFrom(undefined, 1, '\t')
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), indent, (value, space) => {
        const text = JSON.stringify([value], null, space)
        expect(read(`${text} x`)).toEqual({ json: text, rest: ' x' })
      }),
      { numRuns: 500 },
    )
  })

  test('is valid JSON whatever the text, and wherever it stops', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...'{}[]()"\',:\\ \n01-.eE'.split(''),
        'True',
        'null',
        'a',
        '"a": ',
        '\\u00',
        "b'",
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.constantFrom('{', '[', '"'), fc.array(piece), (open, pieces) => {
        const { json } = read(open + pieces.join(''))
        expect(isJson(json), json).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  test.each([
    ["{'a': True, 'b': None}", '{"a": true, "b": null}'],
    ['{a: 1, b: two}', '{"a": 1, "b": "two"}'],
    ['["say "hi" now", 1]', '["say \\"hi\\" now", 1]'],
    ['["a\nb"]', '["a\\nb"]'],
    ['["\\x41\\d\\\'"]', '["\\u0041\\\\d\'"]'],
    ['[r\'x\', b"y"]', '["x", "y"]'],
    ['[1, 2,]', '[1, 2]'],
    ['[1,, 2]', '[1, 2]'],
    ['{"a": 1,}', '{"a": 1}'],
    ['{"a": , "b": 2}', '{ "b": 2}'],
    ['{"a"}', '["a"]'],
    ['{"x": 1, "a"}', '{"x": 1}'],
    ['{1, 2}', '[1, 2]'],
    ['(1, (2,))', '[1, [2]]'],
    ['{"a": [1, {"b": 2}', '{"a": [1, {"b": 2}]}'],
    ['[{"a": [1}]', '[{"a": [1]}]'],
    ['[007, +1, .5, 0x1f, 1_000]', '[7, 1, 0.5, 31, 1000]'],
    ['[inf, 1.2.3, -]', '["inf", "1.2.3", "-"]'],
    ['{"a": "b', '{"a": "b"}'],
    ['{"a": "b\\', '{"a": "b"}'],
    ['{"a": 1, "b', '{"a": 1}'],
    ['{"a', '{}'],
  ])('%s is put right', (text, json) => {
    expect(read(text).json).toBe(json)
  })

  test('ends in front of what is not its own', () => {
    expect(read('"a", b=1')).toEqual({ json: '"a"', rest: ', b=1' })
    expect(read('12)')).toEqual({ json: '12', rest: ')' })
    expect(read('{"a": 1}}')).toEqual({ json: '{"a": 1}', rest: '}' })
    expect(read('{"a" 1}')).toEqual({ json: '{}', rest: '1}' })
  })

  test('between quotes of several characters is verbatim', () => {
    const syntax = { quotes: ['<|"|>'] }
    expect(read('{k:<|"|>a "b" \\n <|x<|"|>,n:1}', syntax).json).toBe(
      '{"k":"a \\"b\\" \\\\n <|x","n":1}',
    )
  })
})
