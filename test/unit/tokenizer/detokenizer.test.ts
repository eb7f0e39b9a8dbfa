import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDetokenizer } from '../../../src/tokenizer/detokenizer.ts'
import { loadTokenizer, type Tokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { loadKind, readStarterFiles, tokenizerKinds } from './fixtures.ts'

const byteLevel = loadKind('qwen')
const byteFallback = loadKind('llama2')

const tokenizers: [string, Tokenizer][] = [
  ...tokenizerKinds.map((kind): [string, Tokenizer] => [kind, loadKind(kind)]),
  ['starter', loadTokenizer(readStarterFiles())],
]

const stream = (tokenizer: Tokenizer, pieces: readonly number[][], skipSpecialTokens: boolean) => {
  const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens })
  return [...pieces.map((piece) => detokenizer.push(piece)), detokenizer.flush()]
}

describe.each(tokenizers)('%s', (_, tokenizer) => {
  const anyIds = fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 80 })

  test('pieces of any ids join to the decoded whole', () => {
    fc.assert(
      fc.property(anyIds, fc.boolean(), fc.integer({ min: 1, max: 7 }), (ids, skip, size) => {
        const pieces = Array.from({ length: Math.ceil(ids.length / size) }, (__, index) =>
          ids.slice(index * size, (index + 1) * size),
        )
        const whole = tokenizer.decode(ids, { skipSpecialTokens: skip })
        expect(stream(tokenizer, pieces, skip).join('')).toBe(whole)
      }),
      { numRuns: 50 },
    )
  })

  test('holds characters back until they are whole', () => {
    const text = 'é👩‍👩‍👧 שלום 😀😀😀 \ufffd 各 e\u0301 '.repeat(5)
    const ids = tokenizer.encode(text, { addSpecialTokens: false })
    const pieces = stream(
      tokenizer,
      ids.map((id) => [id]),
      false,
    )
    expect(pieces.join('')).toBe(tokenizer.decode(ids))
    expect(pieces.every((piece) => !/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(piece))).toBe(true)
  })
})

test('unfinished bytes come out at the end, as U+FFFD', () => {
  const tokenizer = byteLevel
  const first = tokenizer.tokenToId('Ã')
  expect(first).not.toBeNull()
  expect(stream(tokenizer, [[first ?? 0]], true)).toEqual(['', '\ufffd'])
})

test('spaces between skipped tokens survive a decoder that strips the first one', () => {
  const tokenizer = byteFallback
  const special = tokenizer.addedTokens.get('<|end|>')?.id ?? 0
  const word = tokenizer.encode('the', { addSpecialTokens: false })
  const ids = [...word, ...Array.from({ length: 60 }, () => special), ...word]
  const pieces = ids.map((id) => [id])
  expect(stream(tokenizer, pieces, true).join('')).toBe('the the')
})

test('the work per token does not grow with the text', () => {
  const tokenizer = byteLevel
  let longest = 0
  const counting: Pick<Tokenizer, 'decode' | 'addedTokens'> = {
    addedTokens: tokenizer.addedTokens,
    decode: (ids) => {
      longest = Math.max(longest, ids.length)
      return tokenizer.decode(ids)
    },
  }
  const continuation = tokenizer.tokenToId('\u0122') ?? 0
  const detokenizer = createDetokenizer(counting, { skipSpecialTokens: false })
  detokenizer.push(Array.from({ length: 500 }, () => continuation))
  detokenizer.push(tokenizer.encode('word '.repeat(200)))
  detokenizer.flush()
  expect(longest).toBeLessThan(40)
})
