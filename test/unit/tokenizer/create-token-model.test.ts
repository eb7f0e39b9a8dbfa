import { expect, test } from 'vitest'
import { createTokenModel } from '../../../src/tokenizer/create-token-model.ts'

// From Rust: Unigram([("<unk>", 0), ("a", -1), ("aa", -2), ("aaa", -3), ("b", -1), ("ab", -2)], 0).
test('of equal unigram splits, the one found first stays', () => {
  const vocab = [
    ['<unk>', 0],
    ['a', -1],
    ['aa', -2],
    ['aaa', -3],
    ['b', -1],
    ['ab', -2],
  ]
  const model = createTokenModel({ type: 'Unigram', vocab, unk_id: 0 })
  expect(model.encode('aaa')).toEqual([3])
  expect(model.encode('aaaa')).toEqual([1, 3])
  expect(model.encode('aab')).toEqual([1, 5])
  expect(model.encode('ccab')).toEqual([0, 5])
  expect(model.encode('<unk>c')).toEqual([0])
})

test('a model without a type is what its fields say', () => {
  const vocab = { a: 0, b: 1, ab: 2, '##b': 3, '[UNK]': 4 }
  expect(createTokenModel({ vocab, merges: ['#version: 0.2', 'a b'] }).encode('ab')).toEqual([2])
  expect(createTokenModel({ vocab: [['ab', -1]] }).encode('ab')).toEqual([0])
  expect(createTokenModel({ vocab, continuing_subword_prefix: '##' }).encode('bb')).toEqual([1, 3])
  expect(createTokenModel({ vocab }).encode('bb')).toEqual([4])
})

test('merges may name the prefix of tokens inside words', () => {
  const model = createTokenModel({
    type: 'BPE',
    vocab: { a: 0, '##b': 1, ab: 2 },
    merges: [['a', '##b']],
    continuing_subword_prefix: '##',
  })
  expect(model.encode('ab')).toEqual([2])
  expect(model.encode('abb')).toEqual([2, 1])
  // An unknown character without an unknown token leaves no trace, and its neighbours merge.
  expect(model.encode('aab')).toEqual([2])
})
