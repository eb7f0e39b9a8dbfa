import { expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import {
  readBehavior,
  readPattern,
  splitText,
  translateRegex,
} from '../../../src/tokenizer/pattern.ts'

// From Rust: Split(Regex("[0-9]"), behavior, invert).pre_tokenize_str("1ab12c345").
test.each([
  ['Removed', false, ['ab', 'c']],
  ['Isolated', false, ['1', 'ab', '1', '2', 'c', '3', '4', '5']],
  ['MergedWithPrevious', false, ['1', 'ab1', '2', 'c3', '4', '5']],
  ['MergedWithNext', false, ['1ab', '1', '2c', '3', '4', '5']],
  ['Contiguous', false, ['1', 'ab', '12', 'c', '345']],
  ['Removed', true, ['1', '1', '2', '3', '4', '5']],
  ['Isolated', true, ['1', 'ab', '1', '2', 'c', '3', '4', '5']],
  ['MergedWithPrevious', true, ['1ab', '1', '2c', '3', '4', '5']],
  ['MergedWithNext', true, ['1', 'ab1', '2', 'c3', '4', '5']],
] as const)('%s, inverted: %s', (behavior, invert, parts) => {
  const split = splitText('1ab12c345', { pattern: /[0-9]/gu, behavior, invert })
  expect(split.map(({ text }) => text)).toEqual(parts)
  for (const { text, start } of split) expect('1ab12c345'.startsWith(text, start)).toBe(true)
})

test('empty matches divide a text and go on', () => {
  const split = splitText('😀ab', { pattern: /(?=b)|x*/gu, behavior: 'Isolated' })
  expect(split.map(({ text }) => text)).toEqual(['😀', 'a', 'b'])
})

const matches = (source: string, text: string) => text.match(translateRegex(source, 'here'))

test('an s in a group without case is a long s too', () => {
  expect(matches("(?i:'s|'t)", "it'S 'ſ 't")).toEqual(["'S", "'ſ", "'t"])
  expect(matches("(?i:'(?:[sdmt]|ll))", "'ſ 'LL 'x")).toEqual(["'ſ", "'LL"])
  expect(matches("'s|(?i:\\s)", "'ſ 's")).toEqual([' ', "'s"])
  expect(matches('(?i:[^s])', 'sſx')).toEqual(['x'])
})

test('white space is what Unicode says, not what JavaScript says', () => {
  expect(matches('\\s', 'a\ufeff\u0085\u001c ')).toEqual(['\u0085', ' '])
})

test('texts are taken as they stand', () => {
  expect('a.b-c/d'.match(readPattern({ String: '.b-c/' }, 'here'))).toEqual(['.b-c/'])
})

test('refuses what it can not run, and says where', () => {
  const unsupported = expect.objectContaining({ code: 'unsupported-model' })
  expect(() => translateRegex('(?<name', 'model.x')).toThrow(/model\.x/)
  expect(() => translateRegex('(?<name', 'model.x')).toThrow(unsupported)
  expect(() => translateRegex('a'.repeat(30_000), 'model.x')).toThrow(unsupported)
  expect(() => readBehavior('Sometimes', 'model.x')).toThrow(unsupported)
  expect(() => readPattern({ Glob: '*' }, 'model.x')).toThrow(EngineError)
})
