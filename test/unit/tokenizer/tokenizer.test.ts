import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { loadKind, readStarterFiles, readTokenizerFixture, tokenizerKinds } from './fixtures.ts'

describe.each(tokenizerKinds)('%s against Rust tokenizers', (kind) => {
  const { tokenizerJson, cases, decodings } = readTokenizerFixture(kind)
  const tokenizer = loadKind(kind)

  test('encodes', () => {
    for (const { text, ids, idsWithSpecial = ids } of cases) {
      const encoded = tokenizer.encode(text, { addSpecialTokens: false })
      expect(encoded, JSON.stringify(text)).toEqual(ids)
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(idsWithSpecial)
    }
  })

  test('decodes', () => {
    for (const { text, ids, decoded = text, decodedWithoutSpecial = decoded } of cases) {
      const without = tokenizer.decode(ids, { skipSpecialTokens: true })
      expect(tokenizer.decode(ids), JSON.stringify(text)).toBe(decoded)
      expect(without, JSON.stringify(text)).toBe(decodedWithoutSpecial)
    }
  })

  test('decodes ids in any order', () => {
    // Byte tokens that are no UTF-8 read otherwise than in Rust, see decoder.test.ts.
    const comparesMalformed = !JSON.stringify(tokenizerJson.decoder).includes('ByteFallback')
    for (const { ids, decoded, decodedWithoutSpecial } of decodings) {
      if (!comparesMalformed && decoded.includes('\ufffd')) continue
      expect(tokenizer.decode(ids)).toBe(decoded)
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decodedWithoutSpecial)
    }
  })

  test('counts a lone surrogate as U+FFFD', () => {
    const broken = tokenizer.encode('a \ud83d b\ude00<\udfff>')
    expect(broken).toEqual(tokenizer.encode('a \ufffd b\ufffd<\ufffd>'))
  })
})

describe('the starter model', () => {
  const tokenizer = loadTokenizer(readStarterFiles())

  test.each(['Hello, Ada! 12 + 30 = 42\n', 'naïve 👩‍👩‍👧 שלום \0 é', '  spaces   and\ttabs '])(
    'brings %j back',
    (text) => {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    },
  )

  test('knows its special tokens', () => {
    expect(tokenizer.eosToken).toBe('<|im_end|>')
    expect(tokenizer.bosToken).toBeNull()
    const end = tokenizer.addedTokens.get('<|im_end|>')
    expect(end?.special).toBe(true)
    expect(tokenizer.addedTokens.get('<think>')?.special).toBe(false)
    expect(tokenizer.encode('a<|im_end|>').at(-1)).toBe(end?.id)
    expect(tokenizer.decode(tokenizer.encode('a<|im_end|>'), { skipSpecialTokens: true })).toBe('a')
  })

  test('maps ids and tokens both ways, and counts them', () => {
    for (const [token, { id }] of tokenizer.addedTokens) {
      expect(tokenizer.tokenToId(token)).toBe(id)
      expect(tokenizer.idToToken(id)).toBe(token)
      expect(id).toBeLessThan(tokenizer.vocabSize)
    }
    expect(tokenizer.idToToken(tokenizer.vocabSize - 1)).not.toBeNull()
    expect(tokenizer.idToToken(tokenizer.vocabSize)).toBeNull()
    expect(tokenizer.tokenToId('no such token')).toBeNull()
  })

  test('decodes nothing, and skips ids outside the vocabulary', () => {
    expect(tokenizer.decode([])).toBe('')
    expect(tokenizer.decode([tokenizer.vocabSize, ...tokenizer.encode('a'), -1])).toBe('a')
  })
})

test('tokens declared in tokenizer_config.json alone are added', () => {
  const { tokenizerJson } = readTokenizerFixture('qwen')
  const base = loadTokenizer({ tokenizerJson, tokenizerConfig: null })
  const id = base.vocabSize
  const tokenizer = loadTokenizer({
    tokenizerJson,
    tokenizerConfig: {
      eos_token: { content: '<late>' },
      added_tokens_decoder: { [id]: { content: '<late>', special: true } },
    },
  })
  expect(tokenizer.eosToken).toBe('<late>')
  expect(tokenizer.encode('a<late>').at(-1)).toBe(id)
  expect(tokenizer.vocabSize).toBe(id + 1)
})

test('special tokens found in normalized text are skipped as others are', () => {
  const tokenizer = loadTokenizer({
    tokenizerJson: {
      model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
      normalizer: { type: 'Lowercase' },
      decoder: { type: 'Fuse' },
      added_tokens: [{ id: 1, content: '<End>', special: true, normalized: true }],
    },
    tokenizerConfig: null,
  })
  expect(tokenizer.encode('A<END>')).toEqual([0, 1])
  expect(tokenizer.decode([0, 1])).toBe('a<end>')
  // Rust 0.23 compares the normalized text with the token's own and keeps it.
  expect(tokenizer.decode([0, 1], { skipSpecialTokens: true })).toBe('a')
  expect(tokenizer.idToToken(1)).toBe('<End>')
})

// What takes quadratic time somewhere takes ten seconds and more here.
test.each([
  ['qwen', 'The weather in Paris is fine, 21 degrees. '],
  ['qwen', 'x'],
  ['cl100k', ' '],
  ['deepseek', '\r\n'],
  ['o200k', '👩‍👩‍👧'],
  ['llama2', ' word'],
  ['unigram-precompiled', 'é'],
  ['bert', '<'],
  ['word-suffix', 'x'],
  ['added-tokens', '<|x|>  '],
])('%s encodes 100,000 code units of %j within two seconds', (kind, part) => {
  const text = part.repeat(100_000 / part.length)
  const tokenizer = loadKind(kind)
  // Processor time: the machine may be busy with something else.
  const start = process.cpuUsage()
  const ids = tokenizer.encode(text)
  expect(process.cpuUsage(start).user).toBeLessThan(2_000_000)
  expect(ids.length).toBeGreaterThan(0)
})

test.each([
  ['null', null],
  ['a list', []],
  ['no model', { added_tokens: [] }],
  ['a model without vocabulary', { model: { type: 'BPE', merges: [] } }],
  [
    'bad added tokens',
    { model: { type: 'BPE', vocab: {}, merges: [] }, added_tokens: [{ id: 1 }] },
  ],
])('refuses %s', (_, tokenizerJson) => {
  const load = () => loadTokenizer({ tokenizerJson, tokenizerConfig: {} })
  expect(load).toThrow(EngineError)
  expect(load).toThrow(expect.objectContaining({ code: 'invalid-file' }))
  expect(load).toThrow(/tokenizer\.json/)
})
