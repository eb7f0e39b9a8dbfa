import { expect, test } from 'vitest'
import { createSequence } from '../../../src/engine/request.ts'

const limits = {
  requestId: 'a',
  maxModelLen: 64,
  vocabSize: 100,
  eosTokenIds: new Set([0]),
  numSpeculativeTokens: 0,
  random: () => 0.5,
}

const seedOf = (seed: number | null) =>
  createSequence({ promptTokenIds: [1], samplingParams: { seed } }, limits).seed

test('seeds become two words', () => {
  expect(seedOf(7)).toEqual([7, 0])
  expect(seedOf(2 ** 32 + 5)).toEqual([5, 1])
  expect(seedOf(-1)).toEqual([0xffff_ffff, 0xffff_ffff])
  expect(seedOf(null)).toEqual([2 ** 31, 2 ** 31])
})

const lengthOf = (maxTokens: number | null) =>
  createSequence({ promptTokenIds: [1, 2], samplingParams: { maxTokens } }, limits).maxNumTokens

test('the length is limited by maxTokens and by the context', () => {
  expect([lengthOf(10), lengthOf(100), lengthOf(null)]).toEqual([12, 64, 64])
})

const promptOf = (length: number) =>
  createSequence({ promptTokenIds: Array.from({ length }, () => 1), samplingParams: {} }, limits)

test('a prompt must leave room for one token', () => {
  expect(promptOf(63).numPromptTokens).toBe(63)
  expect(() => promptOf(64)).toThrow(expect.objectContaining({ code: 'context-length-exceeded' }))
})

test.each([-1, 1.5, 100, Number.NaN])('the id %d is outside the vocabulary', (id) => {
  const request = { promptTokenIds: [1, id], samplingParams: {} }
  expect(() => createSequence(request, limits)).toThrow(/out of vocabulary/)
})

const naming = (logprobTokenIds: readonly number[], logprobs: number | null = null) => {
  const samplingParams = { logprobTokenIds, logprobs }
  return createSequence({ promptTokenIds: [1], samplingParams }, limits).samplingParams
}

test('named ids settle how many log probabilities are reported', () => {
  const ids = Array.from({ length: 128 }, (_, at) => at % 100)
  expect(naming(ids)).toMatchObject({ logprobTokenIds: ids, logprobs: 128 })
  expect(naming([7, 5], 2).logprobs).toBe(2)
})

test.each([
  [[], null, /not be an empty list/],
  [Array.from({ length: 129 }, () => 1), null, /of length 129, .* max allowed: 128/],
  [[1, 2], 3, /logprobs=3, len\(logprob_token_ids\)=2/],
  [[1, 100, 2], null, /\[100\] in logprob_token_ids contain out-of-vocab/],
])('named ids %j with logprobs %j are refused', (ids, logprobs, message) => {
  expect(() => naming(ids, logprobs)).toThrow(
    expect.objectContaining({
      code: 'invalid-request',
      message: expect.stringMatching(message),
      details: expect.objectContaining({ parameter: 'logprob_token_ids' }),
    }),
  )
})
