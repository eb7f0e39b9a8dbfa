import { describe, expect, it } from 'vitest'
import { createTokenBytes } from '../../../src/grammar/vocabulary.ts'
import { loadTokenizer, type Tokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { loadKind, readStarterFiles, tokenizerKinds } from '../tokenizer/fixtures.ts'

const replacement = '\ufffd'
// Its tokens end with a space or not as the next one has it; no model that generates has such a kind.
const kinds = tokenizerKinds.filter((kind) => kind !== 'word-suffix')
const tokenizers: readonly (readonly [string, Tokenizer])[] = [
  ...kinds.map((kind) => [kind, loadKind(kind)] as const),
  ['starter', loadTokenizer(readStarterFiles())],
]

const join = (parts: readonly Uint8Array[]): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Uint8Array.from(parts.flatMap((part) => [...part])),
  )

describe.each(tokenizers)('the bytes of %s', (_, tokenizer) => {
  const bytesOf = createTokenBytes(tokenizer)
  const before = tokenizer.encode('a', { addSpecialTokens: false })
  const { length } = tokenizer.decode(before)
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id)

  it('are what each token adds to a text', () => {
    const wrong = ids.filter((id) => {
      const text = tokenizer.decode([...before, id]).slice(length)
      return !text.includes(replacement) && join([bytesOf(id)]) !== text
    })
    expect(wrong.map((id) => tokenizer.idToToken(id))).toEqual([])
  })

  it('join to the text of tokens that share a character', () => {
    for (const text of ['naïve 日本語 👩‍👩‍👧 🦙', 'x é\u0301 ￼ שלום 𝔘']) {
      const encoded = tokenizer.encode(`a${text}`, { addSpecialTokens: false })
      const decoded = tokenizer.decode([...before, ...encoded]).slice(length)
      if (!decoded.includes(replacement)) expect(join(encoded.map(bytesOf))).toBe(decoded)
    }
  })

  it('are none for ids without a token', () => {
    expect(bytesOf(tokenizer.vocabSize + 5)).toHaveLength(0)
  })
})
