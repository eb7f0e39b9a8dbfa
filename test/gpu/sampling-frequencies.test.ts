import { beforeAll, describe, expect, it } from 'vitest'
import { chiSquare, chiSquareCritical } from '../reference/chi-square.ts'
import { adjustReference, distributionReference, type LogitKnobs } from '../reference/sampling.ts'
import { randomFloats } from './context.ts'
import { createGpu, createSampler } from './sampler-fixture.ts'
import { plainSample, unadjusted, type SampleKnobs } from './step-fixture.ts'

// One form of the kernels only: token-sampler.test.ts shows that the others draw the same tokens.
const vocabSize = 300
const numDraws = 4000
const { NEGATIVE_INFINITY: banned } = Number

const steep = randomFloats(vocabSize, 11).map((x) => x * 4)
const flat = randomFloats(vocabSize, 12).map((x) => x * 0.8)
const best = [...steep.keys()].sort((a, b) => steep[b]! - steep[a]!)
const worst = best.toReversed()

const adjust = (given: Partial<LogitKnobs>, options: Partial<SampleKnobs> = {}) => ({
  ...options,
  adjust: { ...unadjusted, ...given },
})
const cuts = { temperature: 1.3, topK: 80, topP: 0.92, minP: 0.01 }
const mixed: Partial<LogitKnobs> = {
  promptTokenIds: [...best.slice(0, 20), ...worst.slice(0, 20)],
  outputTokenIds: [...best.slice(0, 9), ...best.slice(0, 4), best[0]!],
  repetitionPenalty: 1.3,
  presencePenalty: 0.4,
  frequencyPenalty: 0.5,
  bias: new Map([
    [best[1]!, banned],
    [best[2]!, -1],
    [worst[0]!, 7],
  ]),
}
const oddIds = new Set(best.filter((id) => id % 2 === 1))

const cases: readonly (readonly [string, Float32Array<ArrayBuffer>, Partial<SampleKnobs>])[] = [
  ['temperature 1', steep, {}],
  ['temperature 0.4', steep, { temperature: 0.4 }],
  ['temperature 2', steep, { temperature: 2 }],
  ['top-k 8', steep, { topK: 8 }],
  ['top-k 100', flat, { topK: 100 }],
  ['top-p 0.6', steep, { topP: 0.6 }],
  ['top-p 0.9 of a flat distribution', flat, { topP: 0.9 }],
  ['min-p 0.05', steep, { minP: 0.05 }],
  ['min-p 0.4 of a flat distribution', flat, { minP: 0.4 }],
  ['top-k, top-p and min-p', steep, cuts],
  [
    'repetition penalty',
    steep,
    adjust({
      repetitionPenalty: 1.7,
      promptTokenIds: [...best.slice(0, 5), ...worst.slice(0, 30)],
      outputTokenIds: best.slice(5, 9),
    }),
  ],
  [
    'repetition penalty below 1',
    flat,
    adjust({ repetitionPenalty: 0.5, promptTokenIds: best.slice(0, 150) }),
  ],
  [
    'presence penalty',
    steep,
    adjust({ presencePenalty: 1.1, outputTokenIds: [best[0]!, best[0]!, best[3]!, best[7]!] }),
  ],
  [
    'frequency penalty',
    steep,
    adjust({
      frequencyPenalty: 0.6,
      outputTokenIds: [best[0]!, best[0]!, best[0]!, best[1]!, best[5]!, best[5]!],
    }),
  ],
  [
    'negative penalties',
    flat,
    adjust({
      presencePenalty: -0.9,
      frequencyPenalty: -0.8,
      outputTokenIds: [1, 1, 2, 250, 250, 250],
    }),
  ],
  [
    'a pending token',
    steep,
    adjust(
      { presencePenalty: 0.6, frequencyPenalty: 0.7, outputTokenIds: [best[1]!, best[0]!] },
      { hasPendingToken: true },
    ),
  ],
  [
    'logit bias',
    steep,
    adjust({
      bias: new Map([
        [best[0]!, -2],
        [best[40]!, 3],
        [worst[0]!, 6.5],
      ]),
    }),
  ],
  ['banned ids', steep, adjust({ bias: new Map(best.slice(0, 30).map((id) => [id, banned])) })],
  ['allowed ids', steep, adjust({ allowed: oddIds })],
  ['a single allowed id', steep, adjust({ allowed: new Set([worst[5]!]) })],
  ['allowed ids, top-k and top-p', flat, adjust({ allowed: oddIds }, { topK: 90, topP: 0.85 })],
  ['penalties, bias and ban', steep, adjust(mixed)],
  ['penalties, bias, ban and cuts', steep, adjust(mixed, cuts)],
  ['everything', steep, adjust({ ...mixed, allowed: oddIds }, { ...cuts, hasPendingToken: true })],
]

const isDrawnFrom = (counts: readonly number[], probabilities: readonly number[]): boolean => {
  const { statistic, degreesOfFreedom } = chiSquare(counts, probabilities)
  return statistic <= chiSquareCritical(degreesOfFreedom)
}

describe('drawn frequencies equal the float64 distribution', () => {
  let run: Awaited<ReturnType<typeof createSampler>>
  beforeAll(async () => {
    run = await createSampler(await createGpu('none'), vocabSize, numDraws)
  })

  it.each(cases)('%s', async (_, logits, options) => {
    const samples = Array.from({ length: numDraws }, (__, i) => ({
      ...plainSample,
      ...options,
      slot: i,
      position: i,
      seed: [i % 7, 3] as const,
    }))
    const rows = new Float32Array(numDraws * vocabSize)
    for (let row = 0; row < numDraws; row++) rows.set(logits, row * vocabSize)
    const { tokens } = await run(rows, samples)
    const counts = Array.from(logits, () => 0)
    for (const token of tokens) counts[token]! += 1
    const sample = samples[0]!
    const adjusted = sample.adjust ? adjustReference(logits, sample.adjust) : logits
    const expected = distributionReference(adjusted, sample)
    expect(expected.isAmbiguous).toBe(false)
    expect(isDrawnFrom(counts, expected.probabilities)).toBe(true)
    // Enough draws to see the knob: without it they would be improbable.
    const { probabilities } = distributionReference(logits, plainSample)
    expect(isDrawnFrom(counts, probabilities)).toBe(Object.keys(options).length === 0)
  })
})
