import { describe, expect, it } from 'vitest'
import type { Reduction } from '../../src/gpu/device.ts'
import type { Gpu } from '../../src/layers/gpu.ts'
import {
  adjustReference,
  logprobsReference,
  sampleReference,
  type LogitKnobs,
} from '../reference/sampling.ts'
import { randomFloats } from './context.ts'
import { createGpu, createSampler, type SamplerRun } from './sampler-fixture.ts'
import { noSlot, plainSample, unadjusted, type SampleKnobs } from './step-fixture.ts'

const gpus = new Map<Reduction, Promise<Gpu>>()
const gpuOf = (reduction: Reduction): Promise<Gpu> => {
  const gpu = gpus.get(reduction) ?? createGpu(reduction)
  gpus.set(reduction, gpu)
  return gpu
}

const { NaN: nan, NEGATIVE_INFINITY: masked } = Number
const vocabSize = 2531

const knobs = (options: Partial<SampleKnobs>, index: number): SampleKnobs => ({
  ...plainSample,
  slot: index,
  position: index,
  ...options,
})

const combinations = [0, 0.3, 1, 1.7].flatMap((temperature) =>
  [0, 1, 5, 40].flatMap((topK) =>
    [0.05, 0.5, 0.95, 1].flatMap((topP) =>
      [0, 0.02, 0.4].map((minP) => ({ temperature, topK, topP, minP })),
    ),
  ),
)

const adjust = (given: Partial<LogitKnobs>, hasPendingToken = false): Partial<SampleKnobs> => ({
  adjust: { ...unadjusted, ...given },
  hasPendingToken,
})

/** What can be asked of a row whose most likely ids are `best`, most likely first. */
const adjustmentsOf = (best: readonly number[]): Partial<SampleKnobs>[] => {
  const ids = (from: number, to: number) => best.slice(from, to)
  const penalties = { repetitionPenalty: 1.8, presencePenalty: 1.5, frequencyPenalty: 1.2 }
  const allowed = new Set(best.filter((id) => id % 7 === best[0]! % 5))
  const bans = new Map(ids(0, 9).map((id) => [id, masked]))
  const bias = new Map([
    [best[0]!, -100],
    [best[300]!, 9],
    [best[1]!, -1.5],
  ])
  const output = [...ids(0, 6), ...ids(0, 4), best[0]!]
  return [
    {},
    adjust({ promptTokenIds: ids(0, 6), repetitionPenalty: 2 }),
    adjust({ promptTokenIds: ids(0, 2), outputTokenIds: output, presencePenalty: 2 }),
    adjust({ outputTokenIds: [...output, ...output], frequencyPenalty: 2 }),
    adjust({ bias }),
    adjust({ bias: bans }),
    adjust({ allowed }),
    adjust({ ...penalties, outputTokenIds: ids(0, 1), bias: bans }, true),
    adjust({ ...penalties, outputTokenIds: [...output, best[3]!], bias, allowed }, true),
    adjust({ ...penalties, promptTokenIds: ids(0, 9), outputTokenIds: output, bias }, true),
  ]
}

const draws: Partial<SampleKnobs>[] = [
  { temperature: 0 },
  { temperature: 0.8 },
  { topK: 40 },
  { topP: 0.8 },
  { minP: 0.05 },
  { temperature: 1.4, topK: 50, topP: 0.9, minP: 0.01 },
]

const rowOf = (logits: Float32Array<ArrayBuffer>, row: number) =>
  logits.slice(row * vocabSize, (row + 1) * vocabSize)

const byLogit = (logits: Float32Array): number[] =>
  [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b)

const numAdjustments = adjustmentsOf([0]).length
const adjustedLogits = randomFloats(numAdjustments * draws.length * vocabSize, 5).map(
  (x) => x ** 3 * 12,
)
const adjustedSamples = draws.flatMap((draw, i) =>
  Array.from({ length: numAdjustments }, (_, j) => {
    const row = i * numAdjustments + j
    return knobs({ ...draw, ...adjustmentsOf(byLogit(rowOf(adjustedLogits, row)))[j] }, row)
  }),
)

const expectReference = (
  got: SamplerRun,
  logits: Float32Array<ArrayBuffer>,
  samples: readonly SampleKnobs[],
) => {
  let numCompared = 0
  samples.forEach((sample, i) => {
    const row = rowOf(logits, i)
    const adjusted = sample.adjust ? adjustReference(row, sample.adjust) : row
    const { id, isAmbiguous } = sampleReference(adjusted, sample)
    if (isAmbiguous) return
    numCompared++
    expect({ i, ...sample, id: got.tokens[i] }).toEqual({ i, ...sample, id })
  })
  expect(numCompared).toBeGreaterThan(samples.length * 0.9)
}

describe.each(['none', 'workgroup'] as const)('token sampler (%s)', (reduction) => {
  it('chooses the token of the reference for every combination of knobs', async () => {
    const samples = combinations.map((options, i) =>
      knobs({ ...options, slot: combinations.length - 1 - i }, i),
    )
    const run = await createSampler(await gpuOf(reduction), vocabSize, samples.length)
    const logits = randomFloats(samples.length * vocabSize, 3).map((x) => x ** 3 * 12)
    expectReference(await run(logits, samples), logits, samples)
  })

  it('chooses the token of the reference for every kind of adjustment', async () => {
    const run = await createSampler(await gpuOf(reduction), vocabSize, adjustedSamples.length)
    const got = await run(adjustedLogits, adjustedSamples)
    expectReference(got, adjustedLogits, adjustedSamples)
    // The first rows are greedy: each adjustment but the first must have changed the best token.
    for (let row = 0; row < numAdjustments; row++) {
      const [best] = byLogit(rowOf(adjustedLogits, row))
      expect({ row, isBest: got.tokens[row] === best }).toEqual({ row, isBest: row === 0 })
    }
  })

  it('keeps ties, skips NaN and masked tokens, and takes the lowest id', async () => {
    const run = await createSampler(await gpuOf(reduction), 4, 7)
    const rows = [
      [nan, 2, 3, 3],
      [-0, 0, -1, nan],
      [masked, masked, 5, masked],
      [masked, nan, -1e38, masked],
      [nan, nan, nan, nan],
      [1, 4, nan, 4],
      [masked, masked, masked, masked],
    ]
    const samples = rows.map((_, i) =>
      knobs(
        { temperature: i < 2 ? 0 : 1, ...(i === 2 || i === 5 ? { topK: 2, topP: 0.4 } : {}) },
        i,
      ),
    )
    const { tokens } = await run(Float32Array.from(rows.flat()), samples)
    expect(tokens.slice(0, 5)).toEqual([2, 0, 2, 2, 0])
    expect([1, 3]).toContain(tokens[5])
    expect(tokens[6]).toBe(0)
  })
})

// One form only: the last test shows that the others give the same.
describe('token sampler', () => {
  it('dispatches nothing that no row asks for', async () => {
    const run = await createSampler(await gpuOf('none'), 4, 2)
    const logits = Float32Array.of(1, 2, 3, 4)
    const numDispatches = async (options: Partial<SampleKnobs>) =>
      (await run(logits, [knobs(options, 0)])).numDispatches
    expect(await numDispatches({})).toBe(2)
    expect(await numDispatches({ adjust: unadjusted })).toBe(3)
    expect(await numDispatches({ logprobs: 1 })).toBe(3)
    expect(await numDispatches({ logprobs: 1, adjust: unadjusted })).toBe(4)
  })

  it('lets rows share a slot, or have none', async () => {
    const run = await createSampler(await gpuOf('none'), 4, 3)
    const logits = Float32Array.from([0, 9, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0])
    const { tokens } = await run(
      logits,
      [1, 1, noSlot].map((slot, i) => knobs({ slot, temperature: 0 }, i)),
    )
    expect(tokens).toEqual([1, 1, 2])
  })

  it('reports the drawn token by the logits as they were before adjustments', async () => {
    const run = await createSampler(await gpuOf('none'), vocabSize, adjustedSamples.length)
    const samples = adjustedSamples.map((sample, i) => ({ ...sample, logprobs: i % 4 }))
    const { tokens, logprobs } = await run(adjustedLogits, samples)
    samples.forEach((sample, i) => {
      const got = logprobs[i]
      if (sample.logprobs === 0) return
      const logits = rowOf(adjustedLogits, i)
      const best = byLogit(logits)
      expect(got?.logprob).toBeCloseTo(logprobsReference(logits)[tokens[i]!]!, 4)
      expect(got?.rank).toBe(best.indexOf(tokens[i]!) + 1)
      expect(got?.top.map(({ tokenId }) => tokenId)).toEqual(best.slice(0, sample.logprobs - 1))
    })
  })

  it('draws the same token whatever the other rows ask for', async () => {
    const run = await createSampler(await gpuOf('none'), vocabSize, adjustedSamples.length)
    const samples = adjustedSamples.map((sample, i) => ({ ...sample, logprobs: i % 2 }))
    const together = await run(adjustedLogits, samples)
    // Rows without adjustments, then one with many: the last batch alone has all four dispatches.
    for (const i of [0, numAdjustments, 3 * numAdjustments, 4 * numAdjustments - 1]) {
      const alone = await run(rowOf(adjustedLogits, i), samples.slice(i, i + 1))
      expect(alone.tokens).toEqual(together.tokens.slice(i, i + 1))
      expect(alone.logprobs).toEqual(together.logprobs.slice(i, i + 1))
    }
  })
})

it('gives every form of the kernels the same tokens and log probabilities', async () => {
  const samples = adjustedSamples.map((sample, i) => ({ ...sample, logprobs: i % 3 }))
  const forms = (['none', 'workgroup'] as const).map(async (reduction) => {
    const run = await createSampler(await gpuOf(reduction), vocabSize, samples.length)
    return run(adjustedLogits, samples)
  })
  const [plain, grouped] = await Promise.all(forms)
  expect(grouped).toEqual(plain)
})

it('gives every form of the kernels and every batch the same tokens', async () => {
  const size = 9001
  const logits = randomFloats(3 * size, 8).map((x) => x * 4)
  const samples = [0, 1, 2].map((i) => knobs({ topP: 0.8, topK: i * 50, minP: i * 0.001 }, i))
  const [plain, grouped] = await Promise.all([
    createSampler(await gpuOf('none'), size, 3),
    createSampler(await gpuOf('workgroup'), size, 3),
  ])
  const together = await plain(logits, samples)
  expect(await grouped(logits, samples)).toEqual(together)
  const alone = await plain(logits.slice(size, 2 * size), samples.slice(1, 2))
  expect(alone.tokens).toEqual(together.tokens.slice(1, 2))
})
