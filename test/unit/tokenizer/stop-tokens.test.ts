import { expect, test } from 'vitest'
import { namedStopTokenIds, stopTokenIds } from '../../../src/tokenizer/stop-tokens.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'

const tokenizerOf = (tokens: readonly string[], eos_token: unknown = null) =>
  loadTokenizer({
    tokenizerJson: {
      added_tokens: tokens.map((content, at) => ({ id: 10 + at, content, special: true })),
      model: { type: 'BPE', vocab: { a: 0, '</s>': 1 }, merges: [] },
    },
    tokenizerConfig: { eos_token },
  })

test.each<[string, readonly string[], unknown, readonly number[], readonly number[]]>([
  ['what the files name', [], null, [7, 5, 7], [7, 5]],
  ['eos_token of tokenizer_config.json', ['<x>', '<y>'], { content: '<y>' }, [], [11]],
  ['an eos_token of the vocabulary proper', [], '</s>', [], [1]],
  ['no eos_token that the vocabulary lacks', [], '<gone>', [3], [3]],
  [
    'ChatML, though config.json names <|endoftext|>',
    ['<|endoftext|>', '<|im_end|>'],
    null,
    [10],
    [10, 11],
  ],
  ['Llama 3', ['<|end_of_text|>', '<|eom_id|>', '<|eot_id|>'], '<|eot_id|>', [10], [12, 10, 11]],
  ['Gemma', ['<start_of_turn>', '<end_of_turn>'], '<eos>', [1], [1, 11]],
  ["the tokenizer's own first", ['<eos>', '<end_of_turn>'], '<eos>', [11, 10], [10, 11]],
  ['Phi', ['<|user|>', '<|end|>'], null, [], [11]],
  [
    'Harmony, where <|end|> closes a message',
    ['<|end|>', '<|return|>', '<|call|>'],
    null,
    [],
    [11, 12],
  ],
  ['no more than once', ['<|im_end|>'], '<|im_end|>', [10], [10]],
])('%s', (_, tokens, eosToken, named, expected) => {
  expect(stopTokenIds(tokenizerOf(tokens, eosToken), named)).toEqual(expected)
})

test('tokens that a user names', () => {
  const tokenizer = tokenizerOf(['<|im_end|>'])
  expect(namedStopTokenIds(tokenizer, ['<|im_end|>', 'a'])).toEqual([10, 0])
  expect(() => namedStopTokenIds(tokenizer, ['<|eot|>'])).toThrow('"<|eot|>" is no token')
})
