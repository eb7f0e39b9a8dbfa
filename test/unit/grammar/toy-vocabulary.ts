import { toByteAlphabet } from '../../../src/tokenizer/byte-alphabet.ts'
import { byteLevelTokenizer } from '../tokenizer/byte-level-tokenizer.ts'

const latin1 = Array.from({ length: 256 }, (_, byte) => byte)
const words = ['{"', '":', '", "', '": "', '"}', '  ', 'true', 'null', 'ab', 'abc', '12', '😀', 'é']
const special = ['<|end|>', '<think>', '</think>']

const byteToken = (byte: number): string => {
  const alphabet = toByteAlphabet(String.fromCodePoint(...latin1.slice(0, 128)))
  if (byte < 128) return alphabet.charAt(byte)
  // The two bytes of U+00C0 to U+00FF, and those that continue characters, all occur in these texts.
  return highBytes.get(byte) ?? `unused${byte}`
}

const highBytes = new Map<number, string>()
for (let code = 0x80; code < 0x10ffff; code += code < 0x800 ? 1 : 997) {
  const text = String.fromCodePoint(code).toWellFormed()
  const letters = toByteAlphabet(text)
  for (const [at, byte] of new TextEncoder().encode(text).entries()) {
    highBytes.set(byte, letters.charAt(at))
  }
}

const tokens = [...latin1.map(byteToken), ...words.map(toByteAlphabet)]

/** A byte-level tokenizer of all bytes, a few words and three special tokens. */
export const toyTokenizer = byteLevelTokenizer(tokens, special, '<|end|>')

export const toyVocabSize = tokens.length + special.length
export const endId = tokens.length
export const thinkId = tokens.length + 1
export const endThinkId = tokens.length + 2

/** The bytes of a text, one token each. */
export const byteIds = (text: string): number[] => [...new TextEncoder().encode(text)]

export const allowedIds = (mask: Uint32Array | null, vocabSize = toyVocabSize): number[] =>
  Array.from({ length: vocabSize }, (_, id) => id).filter(
    (id) => mask === null || (((mask[id >> 5] ?? 0) >> (id & 31)) & 1) === 1,
  )
