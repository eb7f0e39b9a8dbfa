import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Beam,
  type BeamSearchOptions,
  startBeamSearch,
} from '../../../src/engine/beam-search.ts'
import { createToyEngine, type NextLogprobs, type ToyEngine } from './toy-language-model.ts'

const vocabSize = 6
const eosTokenId = 5
const prompt = [1, 2, 3]

/** A random language model: the next token depends on the last two and the length. */
const languageModel =
  (seed: number): NextLogprobs =>
  (tokenIds) => {
    const state = (tokenIds.at(-1) ?? 0) * 7 + (tokenIds.at(-2) ?? 0) * 31 + tokenIds.length * 101
    const weights = Array.from({ length: vocabSize }, (_, id) => {
      const mixed = Math.sin((state + id * 17 + seed) * 12.9898) * 43758.5453
      return Math.exp(4 * (mixed - Math.floor(mixed)))
    })
    const sum = weights.reduce((a, b) => a + b, 0)
    return weights.map((weight) => Math.log(weight / sum))
  }

type Setup = { readonly beamWidth: number; readonly maxTokens: number; readonly seed: number }

const setUp = (
  { beamWidth, maxTokens, seed }: Setup,
  given: Partial<BeamSearchOptions> = {},
): { engine: ToyEngine; options: BeamSearchOptions } => {
  const engine = createToyEngine(languageModel(seed))
  return {
    engine,
    options: {
      engine,
      promptTokenIds: prompt,
      beamWidth,
      maxTokens,
      lengthPenalty: 1,
      eosTokenId,
      requestId: 'beam',
      ...given,
    },
  }
}

type Plain = { readonly ids: readonly number[]; readonly sum: number; readonly ended: boolean }

const plainScore = ({ ids, sum }: Plain, lengthPenalty: number) =>
  sum / (prompt.length + ids.length) ** lengthPenalty

const best = (found: readonly Plain[], count: number, lengthPenalty: number) =>
  found
    .toSorted((a, b) => plainScore(b, lengthPenalty) - plainScore(a, lengthPenalty))
    .slice(0, count)

/** vLLM's search as it is written down: every step up to the last, over the whole vocabulary. */
const slowSearch = (setup: Setup, lengthPenalty: number, eos: number | null): readonly Plain[] => {
  const next = languageModel(setup.seed)
  let live: readonly Plain[] = [{ ids: [], sum: 0, ended: false }]
  const ended: Plain[] = []
  for (let step = 0; step < setup.maxTokens; step += 1) {
    const grown = live.flatMap(({ ids, sum }) =>
      next([...prompt, ...ids])
        .map((logprob, id) => ({ logprob, id }))
        .toSorted((a, b) => b.logprob - a.logprob)
        .slice(0, 2 * setup.beamWidth)
        .map(({ logprob, id }) => ({ ids: [...ids, id], sum: sum + logprob, ended: false })),
    )
    const isEnd = ({ ids }: Plain) => ids.at(-1) === eos
    for (const beam of grown.filter(isEnd)) {
      ended.push({ ids: beam.ids.slice(0, -1), sum: beam.sum, ended: true })
    }
    live = grown
      .filter((beam) => !isEnd(beam))
      .toSorted((a, b) => b.sum - a.sum)
      .slice(0, setup.beamWidth)
  }
  return best([...ended, ...live], setup.beamWidth, lengthPenalty)
}

const toPlain = ({ tokenIds, cumulativeLogprob, finishReason }: Beam): Plain => ({
  ids: tokenIds,
  sum: cumulativeLogprob,
  ended: finishReason === 'stop',
})

const setups = fc.record({
  beamWidth: fc.integer({ min: 1, max: 4 }),
  maxTokens: fc.integer({ min: 1, max: 6 }),
  seed: fc.nat(1000),
})
const penalties = fc.constantFrom(-1, 0, 0.5, 1, 2)

describe('beam search', () => {
  it('finds what vLLM’s loop finds, with and without an end', async () => {
    await fc.assert(
      fc.asyncProperty(setups, penalties, fc.boolean(), async (setup, lengthPenalty, ends) => {
        const eos = ends ? eosTokenId : null
        const { options } = setUp(setup, { lengthPenalty, eosTokenId: eos })
        const { beams } = await startBeamSearch(options).result
        const expected = slowSearch(setup, lengthPenalty, eos)
        expect(beams.map(toPlain)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('finds the best answers of all where the beam is wide enough for all', async () => {
    const setup = { beamWidth: 16, maxTokens: 2, seed: 4 }
    const { options } = setUp(setup, { lengthPenalty: 0 })
    const { beams } = await startBeamSearch(options).result
    const next = languageModel(setup.seed)
    const all = next(prompt).flatMap((first, id): Plain[] =>
      id === eosTokenId
        ? [{ ids: [], sum: first, ended: true }]
        : next([...prompt, id]).map((second, other) =>
            other === eosTokenId
              ? { ids: [id], sum: first + second, ended: true }
              : { ids: [id, other], sum: first + second, ended: false },
          ),
    )
    expect(beams.map(toPlain)).toEqual(best(all, 16, 0))
  })

  it('tells the log probability of every token, and of the end', async () => {
    const setup = { beamWidth: 3, maxTokens: 4, seed: 11 }
    const { beams } = await startBeamSearch(setUp(setup).options).result
    const next = languageModel(setup.seed)
    expect(beams.map(({ finishReason }) => finishReason)).toContain('stop')
    for (const { tokenIds, logprobs, cumulativeLogprob, finishReason } of beams) {
      const ids = finishReason === 'stop' ? [...tokenIds, eosTokenId] : tokenIds
      expect(logprobs.map(({ tokenId }) => tokenId)).toEqual(ids)
      for (const [index, { logprob, rank }] of logprobs.entries()) {
        const all = next([...prompt, ...tokenIds.slice(0, index)])
        expect(logprob).toBe(all[ids[index] ?? 0])
        expect(rank).toBe(all.filter((other) => other >= logprob).length)
      }
      expect(logprobs.reduce((sum, { logprob }) => sum + logprob, 0)).toBeCloseTo(cumulativeLogprob)
    }
  })

  it('runs the beams of a step together, as greedy requests of one token', async () => {
    const setup = { beamWidth: 3, maxTokens: 4, seed: 1 }
    const request = { cacheSalt: 's', priority: 2 }
    const { engine, options } = setUp(setup, { eosTokenId: null, request })
    const { numCachedTokens } = await startBeamSearch(options).result
    expect(engine.batchSizes).toEqual([1, 3, 3, 3])
    expect(engine.requests[5]).toMatchObject({
      requestId: 'beam-3-1',
      ...request,
      samplingParams: { temperature: 0, maxTokens: 1, logprobs: 6 },
    })
    expect(engine.requests[5]?.promptTokenIds.slice(0, 3)).toEqual(prompt)
    expect(engine.requests[5]?.promptTokenIds).toHaveLength(5)
    expect(numCachedTokens).toBe(2)
  })

  it('stops early where the rest can’t change the answers', async () => {
    const setup = { beamWidth: 2, maxTokens: 200, seed: 3 }
    const { engine, options } = setUp(setup, { lengthPenalty: 0 })
    const { beams } = await startBeamSearch(options).result
    expect(engine.batchSizes.length).toBeLessThan(30)
    expect(beams.map(toPlain)).toEqual(slowSearch({ ...setup, maxTokens: 40 }, 0, eosTokenId))
  })

  it('goes on while a longer answer may still be the best', async () => {
    // "End" is likelier at first, but then every token is certain, and length is favoured.
    const atFirst = [0.2, 0.1, 0.1, 0.1, 0.05, 0.45]
    const then = [1, 0, 0, 0, 0, 0]
    const engine = createToyEngine(({ length }) =>
      (length > prompt.length ? then : atFirst).map(Math.log),
    )
    const { options } = setUp({ beamWidth: 1, maxTokens: 9, seed: 0 }, { engine })
    const { beams } = await startBeamSearch(options).result
    expect(beams[0]?.tokenIds).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  it('gives fewer answers than asked for where no others are possible', async () => {
    const engine = createToyEngine(() => [0.6, 0.3, 0, 0, 0, 0.1].map(Math.log))
    const { options } = setUp({ beamWidth: 4, maxTokens: 1, seed: 0 }, { engine, lengthPenalty: 0 })
    const { beams } = await startBeamSearch(options).result
    expect(beams.map(({ tokenIds }) => tokenIds)).toEqual([[0], [1], []])
  })

  it('ends every request when it is aborted', async () => {
    const { engine, options } = setUp({ beamWidth: 3, maxTokens: 9, seed: 2 })
    engine.hangFrom = 1
    const search = startBeamSearch(options)
    while (engine.running.size < 3) await new Promise((resolve) => setTimeout(resolve))
    search.abort()
    search.abort()
    expect(engine.running.size).toBe(0)
    await expect(search.result).rejects.toMatchObject({ code: 'aborted' })
    expect(engine.requests).toHaveLength(4)
  })

  it('ends the other requests when one fails', async () => {
    const { engine, options } = setUp({ beamWidth: 3, maxTokens: 9, seed: 2 })
    engine.failAt = 2
    engine.hangFrom = 3
    await expect(startBeamSearch(options).result).rejects.toMatchObject({ code: 'device-lost' })
    expect(engine.running.size).toBe(0)
  })

  it('refuses at once what the engine refuses', () => {
    const promptTokenIds = Array.from({ length: 1000 }, () => 1)
    const { options } = setUp({ beamWidth: 2, maxTokens: 2, seed: 0 }, { promptTokenIds })
    expect(() => startBeamSearch(options)).toThrow('too long')
  })
})
