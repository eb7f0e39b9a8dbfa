import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor } from '../../src/gpu/tensor.ts'
import { createTokenSampler } from '../../src/layers/token-sampler.ts'
import { sampleReference } from '../reference/sampling.ts'
import { poison, randomFloats, readTensor, testContext } from './context.ts'
import { stepWords, type SampleKnobs } from './step-fixture.ts'

const createSampler = async (reduction: Reduction, vocabSize: number, maxNumSamples: number) => {
  const context = await testContext(reduction)
  const { device } = context
  const tensors = {
    logits: createTensor(device, 'logits', maxNumSamples * vocabSize * 4),
    step: createTensor(device, 'step', (64 + maxNumSamples * 12) * 4),
    lastTokens: createTensor(device, 'last tokens', maxNumSamples * 4),
    sampledTokens: createTensor(device, 'sampled tokens', (maxNumSamples + 1) * 4),
  }
  const sampler = await createTokenSampler(
    { pipelines: new PipelineCache(context), context },
    { ...tensors, vocabSize, maxNumSamples },
  )
  return async (logits: Float32Array<ArrayBuffer>, samples: readonly SampleKnobs[]) => {
    device.queue.writeBuffer(tensors.logits.buffer, 0, logits)
    device.queue.writeBuffer(tensors.step.buffer, 0, stepWords([], samples).words)
    poison(device, tensors.sampledTokens)
    poison(device, tensors.lastTokens)
    const recorder = new CommandRecorder(device)
    sampler.encode(recorder, samples.length)
    recorder.submit()
    const tokens = new Uint32Array(await readTensor(device, tensors.sampledTokens))
    const last = new Uint32Array(await readTensor(device, tensors.lastTokens))
    samples.forEach(({ slot }, i) => expect(last[slot]).toBe(tokens[i]))
    expect(tokens[samples.length]).toBe(0x7fc0_dead)
    return [...tokens.subarray(0, samples.length)]
  }
}

const knobs = (options: Partial<SampleKnobs>, index: number): SampleKnobs => ({
  slot: index,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: [0xdead_beef, 7],
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

describe.each(['none', 'workgroup'] as const)('token sampler (%s)', (reduction) => {
  it('chooses the token of the reference for every combination of knobs', async () => {
    const vocabSize = 2531
    const samples = combinations.map((options, i) =>
      knobs({ ...options, slot: combinations.length - 1 - i }, i),
    )
    const run = await createSampler(reduction, vocabSize, samples.length)
    const logits = randomFloats(samples.length * vocabSize, 3).map((x) => x ** 3 * 12)
    const got = await run(logits, samples)
    let numCompared = 0
    samples.forEach((sample, i) => {
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize)
      const { id, isAmbiguous } = sampleReference(row, sample)
      if (isAmbiguous) return
      numCompared++
      expect({ ...sample, id: got[i] }).toEqual({ ...sample, id })
    })
    expect(numCompared).toBeGreaterThan(samples.length * 0.9)
  })

  it('keeps ties, skips NaN and masked tokens, and takes the lowest id', async () => {
    const run = await createSampler(reduction, 4, 7)
    const { NaN: nan, NEGATIVE_INFINITY: masked } = Number
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
    const got = await run(Float32Array.from(rows.flat()), samples)
    expect(got.slice(0, 5)).toEqual([2, 0, 2, 2, 0])
    expect([1, 3]).toContain(got[5])
    expect(got[6]).toBe(0)
  })
})

// One form only: the last test shows that the others draw the same tokens.
describe('token sampler', () => {
  it.each([
    ['temperature alone', { temperature: 1.3 }],
    ['top-k and top-p', { temperature: 1.3, topK: 6, topP: 0.9 }],
  ])('draws with the right frequencies: %s', async (_, options) => {
    const logits = [2, 1.5, 1, 0.9, 0.3, 0.1, -0.5, -1, -3]
    const numDraws = 4000
    const run = await createSampler('none', logits.length, numDraws)
    const samples = Array.from({ length: numDraws }, (__, i) => knobs(options, i))
    const got = await run(Float32Array.from(samples.flatMap(() => logits)), samples)
    const weights = logits.map((x) => Math.exp(x / 1.3))
    const numKept = 'topK' in options ? 5 : logits.length
    const total = weights.slice(0, numKept).reduce((sum, x) => sum + x, 0)
    const chiSquare = weights.reduce((sum, weight, id) => {
      const seen = got.filter((token) => token === id).length
      if (id >= numKept) return sum + (seen > 0 ? Number.POSITIVE_INFINITY : 0)
      const expected = (weight / total) * numDraws
      return sum + (seen - expected) ** 2 / expected
    }, 0)
    // The 99.9 % points of chi-square with 8 and 4 degrees of freedom.
    expect(chiSquare).toBeLessThan(numKept === 5 ? 18.5 : 26.1)
  })
})

it('gives every form of the kernels and every batch the same tokens', async () => {
  const vocabSize = 9001
  const logits = randomFloats(3 * vocabSize, 8).map((x) => x * 4)
  const samples = [0, 1, 2].map((i) => knobs({ topP: 0.8, topK: i * 50, minP: i * 0.001 }, i))
  const [plain, grouped] = await Promise.all([
    createSampler('none', vocabSize, 3),
    createSampler('workgroup', vocabSize, 3),
  ])
  const together = await plain(logits, samples)
  expect(await grouped(logits, samples)).toEqual(together)
  const alone = await plain(logits.slice(vocabSize, 2 * vocabSize), samples.slice(1, 2))
  expect(alone).toEqual(together.slice(1, 2))
})
