import { expect, test } from 'vitest'
import { createDecoder } from '../../../src/tokenizer/decoder.ts'

const decode = (config: unknown, tokens: readonly string[]) =>
  createDecoder(config, 'decoder')(tokens).join('')

const decodeBytes = (...tokens: string[]) => decode({ type: 'ByteFallback' }, tokens)

const strip = (start: number, stop: number, text: string) =>
  decode({ type: 'Strip', content: ' ', start, stop }, [text])

test('byte tokens that are no UTF-8 leave the characters around them alone', () => {
  expect(decodeBytes('a', '<0xC3>', '<0xA9>', 'b')).toBe('aéb')
  // Rust writes three U+FFFD here, and so takes back an é that was already streamed.
  expect(decodeBytes('<0xC3>', '<0xA9>', '<0xE2>', 'x')).toBe('é\ufffdx')
  expect(decodeBytes('<0xEF>', '<0xBB>', '<0xBF>', 'x')).toBe('\ufeffx')
  expect(decodeBytes('<0xG0>', '<0x1>', '<0x41>')).toBe('<0xG0><0x1>A')
})

test('Metaspace takes every mark of the first token, where a prefix was written', () => {
  const tokens = ['▁▁a▁b', '▁c']
  expect(decode({ type: 'Metaspace' }, tokens)).toBe('ab c')
  expect(decode({ type: 'Metaspace', prepend_scheme: 'never' }, tokens)).toBe('  a b c')
  expect(decode({ type: 'Metaspace', add_prefix_space: false }, tokens)).toBe('  a b c')
  expect(decode({ type: 'Metaspace', replacement: '_' }, ['_a', '_b'])).toBe('a b')
})

test('WordPiece joins parts and cleans up', () => {
  const tokens = ['##a', '##b', '.', 'do', 'not', "'", 's', "n't"]
  expect(decode({ type: 'WordPiece', prefix: '##', cleanup: true }, tokens)).toBe(
    "##ab. do not ' sn't",
  )
  expect(decode({ type: 'WordPiece', prefix: '##', cleanup: false }, tokens)).toBe(
    "##ab . do not ' s n't",
  )
})

test('Strip takes so many of a character from both ends, and no more than there are', () => {
  expect(strip(1, 0, '  a  ')).toBe(' a  ')
  expect(strip(2, 1, '  a  ')).toBe('a ')
  expect(strip(5, 5, '  a  ')).toBe('a')
  expect(strip(1, 3, ' ')).toBe('')
})
