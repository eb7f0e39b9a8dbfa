import { describe, expect, test } from 'vitest'
import { LogitAdjustments } from '../../../src/engine/logit-adjustments.ts'
import { resolveSamplingParams, type SamplingParams } from '../../../src/engine/sampling-params.ts'
import { adjustmentLength } from '../../../src/engine/step-input-layout.ts'

const promptTokenIds = [4, 5, 4]

const create = (
  params: Partial<SamplingParams>,
  tokenMask: ((outputTokenIds: readonly number[]) => Promise<Uint32Array | null>) | null = null,
  numUnmasked: ((outputTokenIds: readonly number[]) => number) | null = null,
) =>
  LogitAdjustments.of({
    samplingParams: resolveSamplingParams(params),
    promptTokenIds,
    eosTokenIds: new Set([0]),
    vocabSize: 40,
    tokenMask,
    numUnmasked,
  })

/** The entries for the token after `outputs`, as [id, bias, occurrences]. */
const entriesAfter = (adjustments: LogitAdjustments | null, outputs: readonly number[]) => {
  const u32 = new Uint32Array(256)
  const words = { u32, f32: new Float32Array(u32.buffer) }
  const tokenIds = [...promptTokenIds, ...outputs]
  const length = adjustments!.writeEntries(words, 8, tokenIds.length, tokenIds)
  return Array.from({ length }, (_, entry) => [
    u32[8 + entry * 3],
    words.f32[9 + entry * 3],
    u32[10 + entry * 3],
  ])
}

/** How many tokens may be pending for the next one's adjustments to be told. */
const mostPending = (adjustments: LogitAdjustments | null): number =>
  [0, 1, 2, 3].findLast(
    (num) => !adjustments?.isLate(promptTokenIds.length + num, promptTokenIds),
  ) ?? -1

const banned = Number.NEGATIVE_INFINITY
const inPrompt = 0x8000_0000

test('there are none without a reason', () => {
  expect(create({ temperature: 0.5, topK: 4, logprobs: 3 })).toBeNull()
})

test('penalties count the output and mark the prompt, one token behind the GPU', () => {
  const adjustments = create({ repetitionPenalty: 1.5 })
  for (const id of [7, 5, 7]) adjustments?.observe(id)
  expect(entriesAfter(adjustments, [7, 5, 7])).toEqual([
    [4, 0, inPrompt],
    [5, 0, inPrompt + 1],
    [7, 0, 2],
  ])
  expect(mostPending(adjustments)).toBe(1)
})

test('biases add up with bans', () => {
  const adjustments = create({ logitBias: [[3, 1.5]], badWordsTokenIds: [[9]] })
  expect(entriesAfter(adjustments, [])).toEqual([
    [3, 1.5, 0],
    [9, banned, 0],
  ])
  expect(mostPending(adjustments)).toBe(3)
})

test('ends can not be drawn before minTokens', () => {
  const adjustments = create({ minTokens: 2, stopTokenIds: [6] })
  expect(entriesAfter(adjustments, [8])).toEqual([
    [0, banned, 0],
    [6, banned, 0],
  ])
  expect(adjustments?.adjusts(promptTokenIds.length + 1, promptTokenIds)).toBe(true)
  expect(entriesAfter(adjustments, [8, 8])).toEqual([])
  expect(adjustments?.adjusts(promptTokenIds.length + 2, promptTokenIds)).toBe(false)
})

describe('bad words of several tokens', () => {
  const adjustments = create({
    badWordsTokenIds: [
      [4, 9],
      [1, 2, 3],
    ],
  })

  test.each([
    ['after their start', [1, 2], [[3, banned, 0]]],
    ['not after another start', [1, 1], []],
    ['not with a start in the prompt', [], []],
    ['at their own start', [4], [[9, banned, 0]]],
  ])('%s', (_, outputs, entries) => {
    expect(entriesAfter(adjustments, outputs)).toEqual(entries)
  })

  test('have to know every token before', () => {
    expect(mostPending(adjustments)).toBe(0)
  })
})

test('masks hold the allowed ids, narrowed by the caller', () => {
  const adjustments = create({ allowedTokenIds: [1, 33, 39] }, async () => null)
  const u32 = new Uint32Array(16).fill(77)
  const words = { u32, f32: new Float32Array(u32.buffer) }
  expect(adjustments?.writeMask(words, 3, null)).toBe(2)
  expect([...u32.subarray(3, 5)]).toEqual([2, 2 + 128])
  expect(adjustments?.writeMask(words, 3, Uint32Array.of(0, 2))).toBe(2)
  expect([...u32.subarray(2, 6)]).toEqual([77, 0, 2, 77])
})

test('a mask is asked for behind the tokens that may be any', async () => {
  const seen: (readonly number[])[] = []
  const adjustments = create(
    {},
    async (outputs) => {
      seen.push(outputs)
      return Uint32Array.of(4, 0)
    },
    (outputs) => 2 - outputs.length,
  )
  const askAfter = async (outputs: readonly number[]) => {
    const tokenIds = [...promptTokenIds, ...outputs]
    const mask = await adjustments?.askMask(tokenIds)
    expect(adjustments?.adjusts(tokenIds.length, tokenIds)).toBe(mask !== null)
    return mask
  }
  expect([await askAfter([]), await askAfter([7])]).toEqual([null, null])
  expect(seen).toEqual([])
  expect(await askAfter([7, 8])).toEqual(Uint32Array.of(4, 0))
  expect(seen).toEqual([[7, 8]])
  expect(mostPending(adjustments)).toBe(1)
})

test('room is left for what tokens that are still to come may add', () => {
  const adjustments = create({ repetitionPenalty: 1.5 })
  const longest = (numPending: number) =>
    adjustments?.maxLength(promptTokenIds.length + numPending, promptTokenIds)
  expect(longest(0)).toBe(2 * adjustmentLength)
  expect(longest(2)).toBe(4 * adjustmentLength)
  for (const id of [7, 8]) adjustments?.observe(id)
  expect(entriesAfter(adjustments, [7, 8])).toHaveLength(4)
})

test('too many adjusted ids are refused', () => {
  const logitBias = Array.from({ length: 1025 }, (_, id) => [id, 1] as const)
  expect(() => create({ logitBias })).toThrow(/1025 tokens together/)
})
