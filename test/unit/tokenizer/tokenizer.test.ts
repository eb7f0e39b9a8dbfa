import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { readStarterFiles, readTokenizerFixture } from './fixtures.ts'

describe.each(['byte-level', 'byte-fallback'])('%s against Rust tokenizers', (name) => {
  const fixture = readTokenizerFixture(name)
  const tokenizer = loadTokenizer({ tokenizerJson: fixture.tokenizerJson, tokenizerConfig: {} })

  test.each(fixture.cases)('$text', (sample) => {
    expect(tokenizer.encode(sample.text, { addSpecialTokens: false })).toEqual(sample.ids)
    expect(tokenizer.encode(sample.text)).toEqual(sample.idsWithSpecial)
    expect(tokenizer.decode(sample.ids)).toBe(sample.decoded)
    expect(tokenizer.decode(sample.ids, { skipSpecialTokens: true })).toBe(
      sample.decodedWithoutSpecial,
    )
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
  const { tokenizerJson } = readTokenizerFixture('byte-level')
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

test.each([
  ['null', null],
  ['a list', []],
  ['no model', { added_tokens: [] }],
  ['an unknown model', { model: { type: 'Nonsense' } }],
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
