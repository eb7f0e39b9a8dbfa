import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GenerationEngine, TokenLogprobs } from '../../src/engine/generation.ts'
import type { SamplingParams } from '../../src/engine/sampling-params.ts'
import {
  adjustReference,
  logprobsReference,
  sampleReference,
  type LogitKnobs,
} from '../reference/sampling.ts'
import { unadjusted } from './step-fixture.ts'
import { createTestEngine } from './test-engine.ts'

// The engine's whole way from a request's parameters to its tokens, run ahead of the host and several
// requests at once: each token must be the one that the reference draws from the model's logits.
const path = 'test/fixtures/models/tiny-qwen3'
const vocabSize = 331
const numTokens = 20
const prompt = Array.from({ length: 29 }, (_, at) => 3 + ((at * 7) % 90))

type Case = {
  readonly name: string
  readonly params: Partial<SamplingParams>
  /** What the reference does instead of the parameters, given the output so far. */
  readonly knobs?: (output: readonly number[]) => Partial<LogitKnobs>
  readonly tokenMask?: (output: readonly number[]) => Promise<Uint32Array>
}

const { NEGATIVE_INFINITY: banned } = Number
const penalties = { repetitionPenalty: 1.4, presencePenalty: 0.5, frequencyPenalty: 0.3 }
const everyOther = new Set(Array.from({ length: 165 }, (_, i) => 2 * i + 1))
const bias = [
  [7, 4],
  [40, 6],
  [41, -50],
] as const

/** After n tokens of output, the ids that leave the same rest as n when divided by 3. */
const idsAfter = (output: readonly number[]): Set<number> => {
  const ids = Array.from({ length: vocabSize }, (_, id) => id)
  return new Set(ids.filter((id) => id % 3 === output.length % 3))
}

const maskAfter = async (output: readonly number[]): Promise<Uint32Array> => {
  const words = new Uint32Array(Math.ceil(vocabSize / 32))
  for (const id of idsAfter(output)) words[id >> 5]! |= 1 << (id & 31)
  return words
}

const cases: readonly Case[] = [
  { name: 'greedy', params: { temperature: 0 } },
  { name: 'plain', params: { temperature: 1.2 } },
  { name: 'named ids', params: { logprobTokenIds: [330, 2, 117] } },
  { name: 'cuts', params: { temperature: 0.9, topK: 50, topP: 0.9, minP: 0.02 } },
  {
    name: 'greedy under penalties',
    params: { temperature: 0, ...penalties },
    knobs: () => penalties,
  },
  { name: 'penalties', params: { ...penalties, topK: 60 }, knobs: () => penalties },
  { name: 'bias', params: { logitBias: bias }, knobs: () => ({ bias: new Map(bias) }) },
  {
    name: 'bias and penalties',
    params: { logitBias: bias, ...penalties },
    knobs: () => ({ bias: new Map(bias), ...penalties }),
  },
  {
    name: 'allowed ids',
    params: { allowedTokenIds: [...everyOther], topP: 0.9 },
    knobs: () => ({ allowed: everyOther }),
  },
  {
    name: 'stop ids held back',
    params: { minTokens: numTokens, stopTokenIds: Array.from({ length: 200 }, (_, i) => i) },
    knobs: () => ({ bias: new Map(Array.from({ length: 200 }, (_, id) => [id, banned])) }),
  },
  {
    name: 'a mask for each token',
    params: penalties,
    knobs: (output) => ({ allowed: idsAfter(output), ...penalties }),
    tokenMask: maskAfter,
  },
]

describe('requests of every kind together', () => {
  let engine: GenerationEngine
  const logitsOf = new Map<string, Float32Array>()
  const arriving: Promise<void>[] = []
  beforeAll(async () => {
    engine = await createTestEngine({
      path,
      maxModelLen: 128,
      maxNumSeqs: 16,
      maxNumBatchedTokens: 48,
      onLogits: (logits, rows) => {
        const keep = async () => {
          const values = await logits
          rows.forEach(({ seed, position }, row) => {
            const ofRow = values.slice(row * vocabSize, (row + 1) * vocabSize)
            logitsOf.set(`${seed}:${position}`, ofRow)
          })
        }
        arriving.push(keep())
      },
    })
  })
  afterAll(() => engine.dispose())

  const generate = async ({ params, tokenMask }: Case, seed: number) => {
    const samplingParams = { ...params, seed, maxTokens: numTokens, ignoreEos: true, logprobs: 3 }
    const request = { promptTokenIds: prompt, samplingParams, ...(tokenMask && { tokenMask }) }
    const tokens: number[] = []
    const logprobs: TokenLogprobs[] = []
    for await (const output of engine.addRequest(request)) {
      tokens.push(...output.newTokenIds)
      logprobs.push(...(output.logprobs ?? []))
    }
    return { tokens, logprobs }
  }

  it('draw the tokens of the reference, with their log probabilities', async () => {
    const outputs = await Promise.all(cases.map((given, i) => generate(given, i + 1)))
    await Promise.all(arriving)
    let numCompared = 0
    for (const [i, { name, params, knobs }] of cases.entries()) {
      const { tokens, logprobs } = outputs[i]!
      expect({ name, numTokens: tokens.length }).toEqual({ name, numTokens })
      expect(logprobs.map(({ tokenId }) => tokenId)).toEqual(tokens)
      tokens.forEach((token, at) => {
        const position = prompt.length + at
        const logits = logitsOf.get(`${i + 1}:${position}`)!
        const output = tokens.slice(0, at)
        const seen = { promptTokenIds: prompt, outputTokenIds: output }
        const adjusted = adjustReference(logits, { ...unadjusted, ...seen, ...knobs?.(output) })
        const drawn = { temperature: 1, topK: 0, topP: 1, minP: 0, ...params, position }
        const { id, isAmbiguous } = sampleReference(adjusted, { ...drawn, seed: [i + 1, 0] })
        if (isAmbiguous) return
        numCompared++
        expect({ name, at, token }).toEqual({ name, at, token: id })
        const expected = logprobsReference(logits)
        expect(logprobs[at]?.logprob).toBeCloseTo(expected[token]!, 4)
        expect(logprobs[at]?.rank).toBe(logits.filter((x) => x >= logits[token]!).length)
        const byLogit = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b)
        const listed = params.logprobTokenIds ?? byLogit.slice(0, 3)
        expect(logprobs[at]?.top.map(({ tokenId }) => tokenId)).toEqual(listed)
        for (const { tokenId, logprob } of logprobs[at]?.top ?? []) {
          expect(logprob).toBeCloseTo(expected[tokenId]!, 4)
        }
      })
    }
    expect(numCompared).toBeGreaterThan(cases.length * numTokens * 0.9)
  })

  it('report the log probabilities of the prompt', async () => {
    const seed = 900
    const samplingParams = { seed, maxTokens: 2, promptLogprobs: 2, temperature: 0 }
    const outputs = []
    const request = { promptTokenIds: prompt, samplingParams }
    for await (const output of engine.addRequest(request)) outputs.push(output)
    await Promise.all(arriving)
    const rows = outputs[0]?.promptLogprobs
    expect(rows).toHaveLength(prompt.length)
    expect(rows?.[0]).toBeNull()
    prompt.slice(1).forEach((tokenId, i) => {
      const logits = logitsOf.get(`${seed}:${i + 1}`)!
      const row = rows?.[i + 1]
      expect(row?.tokenId).toBe(tokenId)
      expect(row?.logprob).toBeCloseTo(logprobsReference(logits)[tokenId]!, 4)
      expect(row?.rank).toBe(logits.filter((x) => x >= logits[tokenId]!).length)
      expect(row?.top).toHaveLength(2)
    })
  })
})
