import { expect, test } from 'vitest'
import type { SchedulerOutput } from '../../../src/engine/scheduler-output.ts'
import { samplesLate, StepInputBuilder, summarizeStep } from '../../../src/engine/step-input.ts'
import { makeSequence, tokens } from './simulated-gpu.ts'

const bitsOf = (value: number) => new Uint32Array(new Float32Array([value]).buffer)[0]

/** A decode whose token is on the GPU, in front of a chunk that ends its prompt. */
const exampleOutput = (): SchedulerOutput => {
  const decode = makeSequence('decode', [3, 4], {
    temperature: 0.5,
    topK: 7,
    topP: 0.9,
    minP: 0.1,
    seed: 11,
  })
  decode.blockTable.push(9)
  decode.numPendingTokens = 1
  const prefill = makeSequence('prefill', tokens(18), { temperature: 0 })
  prefill.blockTable.push(4, 2)
  return {
    stepId: 6,
    sequences: [
      {
        sequence: decode,
        slot: 3,
        phase: 'decode',
        start: 2,
        numScheduledTokens: 1,
        numSamples: 1,
        draws: true,
        draftTokenIds: [],
      },
      {
        sequence: prefill,
        slot: 1,
        phase: 'prefill',
        start: 15,
        numScheduledTokens: 3,
        numSamples: 1,
        draws: true,
        draftTokenIds: [],
      },
    ],
    numTokens: 4,
    numSamples: 2,
    numDecodeSequences: 1,
  }
}

test('lays a step out as the shaders read it', () => {
  const input = new StepInputBuilder().prepare(exampleOutput())
  const prompt = tokens(18)
  const expected = [
    // header: counts, then offsets
    [4, 2, 2, 16, 20, 24, 28, 32, 35, 37, 2, 41, 1, 1, 0, 0],
    [0x8000_0003, prompt[15], prompt[16], prompt[17]], // tokenIds
    [2, 15, 16, 17], // positions
    [9 * 16 + 2, 4 * 16 + 15, 2 * 16, 2 * 16 + 1], // slotMapping
    [0, 1, 1, 1], // tokenSequence
    [0, 1, 4], // queryStart
    [3, 18], // contextLength
    [9, 0, 4, 2], // blockTables
    [
      0,
      3,
      bitsOf(0.5),
      7,
      bitsOf(0.9),
      bitsOf(0.1),
      11,
      0,
      3,
      0,
      0xffff_ffff,
      0,
      0,
      0,
      bitsOf(1),
      0,
      0,
      0,
      0,
      0,
    ], // sample rows
    [3, 1, 0, 0, bitsOf(1), 0, 0, 0, 18, 0, 0xffff_ffff, 0, 0, 0, bitsOf(1), 0, 0, 0, 0, 0],
  ]
  expect([...input]).toEqual(expected.flat())
})

test('lists the ids whose log probabilities are wanted once for all rows of their sequence', () => {
  const { sequences, ...output } = exampleOutput()
  const [decode, prefill] = sequences
  const asking = makeSequence('asking', [3, 4], { logprobTokenIds: [9, 5, 7], promptLogprobs: 1 })
  asking.blockTable.push(9)
  const drafting = { ...decode!, sequence: asking, numScheduledTokens: 3, numSamples: 3 }
  const step = {
    ...output,
    sequences: [{ ...drafting, start: 0, draftTokenIds: [8] }, prefill!],
    numTokens: 6,
    numSamples: 4,
  }
  const input = new StepInputBuilder().prepare(step)
  const rowWord = (row: number, word: number) => input[input[11]! + 20 * row + word]!
  const at = rowWord(1, 18)
  expect(Array.from(input.slice(at))).toEqual([9, 5, 7])
  // A token of the prompt is followed by two that draw, and by a sequence that names no ids.
  expect([0, 1, 2, 3].map((row) => [rowWord(row, 9), rowWord(row, 18)])).toEqual([
    [2, 0],
    [4, at],
    [4, at],
    [0, 0],
  ])
  expect(summarizeStep(step).logprobs).toBe(4)
})

test('leaves nothing of an earlier step behind and grows when it must', () => {
  const builder = new StepInputBuilder()
  const long = makeSequence('long', tokens(900), { maxModelLen: 1000 })
  long.blockTable.push(...Array.from({ length: 57 }, (_, index) => index + 100))
  const entry = {
    sequence: long,
    slot: 0,
    phase: 'prefill',
    start: 0,
    numSamples: 0,
    draws: false,
    draftTokenIds: [],
  } as const
  const large = builder.prepare({
    stepId: 1,
    sequences: [{ ...entry, numScheduledTokens: 900 }],
    numTokens: 900,
    numSamples: 0,
    numDecodeSequences: 0,
  })
  expect(large).toHaveLength(16 + 4 * 900 + 2 + 1 + 57)
  expect(large[large[5]! + 899]).toBe(156 * 16 + 3)
  expect([...builder.prepare(exampleOutput())]).toEqual([
    ...new StepInputBuilder().prepare(exampleOutput()),
  ])
})

test('tells how tokens are drawn once those before are known', () => {
  const output = exampleOutput()
  const [decode] = output.sequences
  const masked = makeSequence('masked', [3, 4], {
    repetitionPenalty: 1.5,
    tokenMask: async () => Uint32Array.of(5),
  })
  masked.blockTable.push(9)
  masked.numPendingTokens = 1
  const step = { ...output, sequences: [{ ...decode!, sequence: masked }, output.sequences[1]!] }
  expect([samplesLate(exampleOutput()), samplesLate(step)]).toEqual([false, true])
  const builder = new StepInputBuilder()
  const input = builder.prepare(step).slice()
  const rows = input[11]!
  expect(input[rows + 12]).toBe(0)
  expect(() => new StepInputBuilder().prepareSampling(new Map())).toThrow('No step was prepared')

  masked.appendToken(7)
  masked.blockTable.push(10, 11)
  const { at, words } = builder.prepareSampling(new Map([[masked, Uint32Array.of(5)]]))
  expect(at).toBe(rows)
  expect(at + words.length).toBe(input.length)
  // Its one row of adjustments and mask; the other row stays as it was.
  expect([...words.subarray(11, 18)]).toEqual([rows + 40, 3, rows + 49, bitsOf(1.5), 0, 0, 0])
  expect([...words.subarray(40)].filter((_, word) => word % 3 === 0)).toEqual([3, 4, 7, 5])
  expect([...words.subarray(20, 40)]).toEqual([...input.subarray(rows + 20, rows + 40)])

  masked.status = 'finished'
  expect(builder.prepareSampling(new Map()).words[12]).toBe(0)
})

test('sums a step up for the executor', () => {
  expect(summarizeStep(exampleOutput())).toEqual({
    stepId: 6,
    numTokens: 4,
    numSequences: 2,
    numSamples: 2,
    numDecodeSequences: 1,
    maxContextLength: 18,
    maxQueryLength: 3,
    adjustsLogits: false,
    logprobs: 0,
  })
})
