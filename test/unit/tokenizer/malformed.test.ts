import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'

const load = (tokenizerJson: unknown, tokenizerConfig: unknown = {}) =>
  loadTokenizer({ tokenizerJson, tokenizerConfig })

const bpe = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] }

const nest = (depth: number): unknown =>
  depth === 0 ? null : { type: 'Sequence', normalizers: [nest(depth - 1)] }

const withCharsmap = (precompiled_charsmap: string) => ({
  model: bpe,
  normalizer: { type: 'Precompiled', precompiled_charsmap },
})

describe('refuses', () => {
  test.each<[string, object, RegExp]>([
    ['an id outside any vocabulary', { ...bpe, vocab: { a: 2 ** 31 } }, /model\.vocab\["a"\]/],
    ['a merge without its result', { ...bpe, vocab: { a: 0, b: 1 } }, /model\.merges\[0\]/],
    ['half a merge', { ...bpe, merges: ['a'] }, /model\.merges\[0\]/],
    ['a list of ids', { ...bpe, vocab: ['a', 'b'] }, /model\.vocab/],
    ['a score that is text', { type: 'Unigram', vocab: [['a', '1']] }, /model\.vocab\[0\]/],
    ['an unknown id', { type: 'Unigram', vocab: [['a', -1]], unk_id: 1 }, /model\.unk_id/],
    ['no unknown token', { type: 'WordPiece', vocab: { a: 0 } }, /model\.unk_token/],
  ])('%s', (_, model, place) => {
    expect(() => load({ model })).toThrow(place)
    expect(() => load({ model })).toThrow(expect.objectContaining({ code: 'invalid-file' }))
  })

  test.each<[string, object, string]>([
    ['sequences that nest without end', { normalizer: nest(1000) }, 'invalid-file'],
    ['an added token with no id', { added_tokens: [{ content: 'x' }] }, 'invalid-file'],
    [
      'a fixed length of nothing',
      { pre_tokenizer: { type: 'FixedLength', length: 0 } },
      'invalid-file',
    ],
    ['an unknown decoder', { decoder: { type: 'CTC' } }, 'unsupported-model'],
    [
      'an unknown pre-tokenizer',
      { pre_tokenizer: { type: 'UnicodeScripts' } },
      'unsupported-model',
    ],
    ['an unknown normalizer', { normalizer: { type: 'Rot13' } }, 'unsupported-model'],
    ['an unknown post-processor', { post_processor: { type: 'X' } }, 'unsupported-model'],
    ['an unknown model', { model: { type: 'Nonsense' } }, 'unsupported-model'],
  ])('%s', (_, fields, code) => {
    expect(() => load({ model: bpe, ...fields })).toThrow(expect.objectContaining({ code }))
  })

  test('a charsmap that is no base64, or is cut short', () => {
    for (const charsmap of ['%%%', 'AAAA', btoa('\xff\xff\xff\x7f'), btoa('\x08\0\0\0\0\0\0\0')]) {
      expect(() => load(withCharsmap(charsmap))).toThrow(/precompiled_charsmap/)
    }
  })
})
