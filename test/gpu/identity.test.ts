import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GenerationEngineOptions } from '../../src/engine/engine.ts'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import { randomFloats, testContext } from './context.ts'
import {
  draw,
  drawAlone,
  drawTogether,
  eightRequests,
  firstDifference,
  LogitRecorder,
  shared,
  type Stream,
  type StreamRequest,
} from './streams.ts'
import { createEngineOver, createTestModel, type TestModel } from './test-engine.ts'

const path = 'test/fixtures/models/tiny-qwen3'
const recorder = new LogitRecorder()

const load = (reduction: 'none' | 'workgroup' | 'subgroup'): Promise<TestModel> =>
  createTestModel({ path, reduction, maxModelLen: 256, onLogits: recorder.onLogits })

/** A new engine, with an empty cache, over a model that is compiled once. */
const engineOver = (model: TestModel, options: Partial<GenerationEngineOptions> = {}) => {
  const { executor, notes } = shared(model.executor)
  return { engine: createEngineOver(model, { ...options, executor }), notes }
}

const withEngine = async <Result>(
  model: TestModel,
  options: Partial<GenerationEngineOptions>,
  use: (engine: GenerationEngine, notes: ReturnType<typeof shared>['notes']) => Promise<Result>,
): Promise<Result> => {
  const { engine, notes } = engineOver(model, options)
  try {
    return await use(engine, notes)
  } finally {
    engine.dispose()
  }
}

/** Delays in [0, 60) ms, the same at each run. */
const arrivals = (seed: number) => {
  const delays = randomFloats(eightRequests.length, seed)
  return (which: number) => 30 * (1 + delays[which]!)
}

const ids = (length: number, first: number) =>
  Array.from({ length }, (_, at) => 3 + ((first + at * 29) % 320))

const chunkRequest = (length: number, maxTokens: number, seed: number): StreamRequest => ({
  promptTokenIds: ids(length, seed),
  samplingParams: { maxTokens, ignoreEos: true, seed, temperature: seed % 2 },
})

describe('in the form without reductions, streams have the bits of lone runs', () => {
  let model: TestModel
  let lone: Stream[]
  const expectLone = (streams: readonly Stream[], wanted = lone) => {
    expect(streams.map(({ tokenIds }) => tokenIds)).toEqual(wanted.map(({ tokenIds }) => tokenIds))
    expect(firstDifference(streams, wanted)).toBeNull()
  }

  beforeAll(async () => {
    model = await load('none')
    lone = await withEngine(model, { enablePrefixCaching: false, runAhead: 1 }, (engine) =>
      drawAlone(engine, recorder, eightRequests),
    )
  })
  afterAll(() => model.executor.dispose())

  it('have different tokens and logits, or the tests below would not tell them apart', () => {
    expect(new Set(lone.map(({ tokenIds }) => tokenIds.join())).size).toBe(8)
    expect(firstDifference([lone[0]!], [lone[2]!])).not.toBeNull()
    expect(lone.every(({ tokenIds }) => tokenIds.length === 24 || tokenIds.at(-1) === 27)).toBe(
      true,
    )
  })

  it.each([
    { maxNumBatchedTokens: 8, seed: 1 },
    { maxNumBatchedTokens: 23, seed: 2 },
    { maxNumBatchedTokens: 128, seed: 3 },
  ])('at random arrival, in steps of up to $maxNumBatchedTokens tokens', (given) =>
    withEngine(model, given, async (engine) => {
      expectLone(await drawTogether(engine, recorder, eightRequests, arrivals(given.seed)))
    }),
  )

  it('with prompts out of the prefix cache', () =>
    withEngine(model, {}, async (engine) => {
      expectLone(await drawTogether(engine, recorder, eightRequests))
      const { prefixCacheHitTokens } = engine.stats()
      expectLone(
        await drawTogether(engine, recorder, eightRequests.toReversed()),
        lone.toReversed(),
      )
      expect(engine.stats().prefixCacheHitTokens - prefixCacheHitTokens).toBeGreaterThan(150)
    }))

  it('with too few blocks for all, by preemption', () =>
    withEngine(model, { numBlocks: 14, maxNumBatchedTokens: 64 }, async (engine) => {
      expectLone(await drawTogether(engine, recorder, eightRequests))
      expect(engine.stats().numPreemptions).toBeGreaterThan(0)
      expect(engine.stats().numFreeBlocks).toBe(14)
    }))

  it.each([1, 2, 3])('with up to %i steps on the GPU at once', (runAhead) =>
    withEngine(model, { runAhead }, async (engine, notes) => {
      expectLone(await drawTogether(engine, recorder, eightRequests, arrivals(4)))
      expect(notes.mostInFlight).toBe(runAhead)
    }),
  )

  it('in chunks of every size from 1 to 64, while two others decode', async () => {
    const long = chunkRequest(70, 3, 51)
    const loneRuns = await withEngine(model, { enablePrefixCaching: false }, (engine) =>
      drawAlone(engine, recorder, [chunkRequest(1, 76, 52), chunkRequest(2, 76, 53), long]),
    )
    for (let size = 1; size <= 64; size++) {
      const numChunks = Math.ceil(70 / size)
      const decoding = [chunkRequest(1, numChunks + 5, 52), chunkRequest(2, numChunks + 5, 53)]
      const requests = [...decoding, long]
      await withEngine(model, { maxNumBatchedTokens: size + 2 }, async (engine, notes) => {
        let begin: (() => void) | undefined
        const bothDecode = new Promise<void>((resolve) => (begin = resolve))
        let numDecoding = 0
        const started = (numTokens: number) => {
          if (numTokens === 1 && ++numDecoding === 2) begin?.()
        }
        const drawn = await Promise.all([
          ...decoding.map((own) => draw(engine, own, started)),
          bothDecode.then(() => draw(engine, long)),
        ])
        const streams = requests.map((own, which) => recorder.stream(own, drawn[which]!))
        const wanted = loneRuns.map(({ tokenIds, logits }, which) => {
          const { length } = drawn[which]!
          return { tokenIds: tokenIds.slice(0, length), logits: logits.slice(0, length) }
        })
        expectLone(await Promise.all(streams), wanted)
        const sizes = notes.summaries
          .filter(({ numSequences }) => numSequences === 3)
          .map(({ numTokens }) => numTokens - 2)
        expect(sizes.slice(0, numChunks - 1), `chunks of ${size}`).toEqual(
          Array.from({ length: numChunks - 1 }, () => size),
        )
        recorder.clear()
      })
    }
  })

  it.each([
    { what: 'greedy', temperature: 0 },
    { what: 'seeded', temperature: 0.1 },
  ])('with speculation, $what', async ({ temperature }) => {
    const requests = [2, 3, 5, 7].map((which): StreamRequest => {
      const { promptTokenIds } = eightRequests[which]!
      const samplingParams = { maxTokens: 64, ignoreEos: true, seed: 60 + which, temperature }
      return { promptTokenIds, samplingParams }
    })
    const without = await withEngine(model, { speculation: null }, async (engine) => {
      const streams = await drawAlone(engine, recorder, requests)
      expect(engine.stats().numDraftTokens).toBe(0)
      return streams
    })
    const speculation = { numSpeculativeTokens: 4 }
    await withEngine(model, { speculation }, async (engine) => {
      expectLone(await drawAlone(engine, recorder, requests), without)
      expectLone(await drawTogether(engine, recorder, requests, arrivals(5)), without)
      const { numDraftTokens, numAcceptedTokens } = engine.stats()
      console.log(`speculation: ${numAcceptedTokens} of ${numDraftTokens} drafts right`)
      expect(numAcceptedTokens).toBeGreaterThan(0)
      // Wrong guesses must leave no trace either.
      expect(numAcceptedTokens).toBeLessThan(numDraftTokens)
    })
    await withEngine(model, { speculation, numBlocks: 16, runAhead: 3 }, async (engine) => {
      expectLone(await drawTogether(engine, recorder, requests), without)
      expect(engine.stats().numAcceptedTokens).toBeGreaterThan(0)
      expect(engine.stats().numPreemptions).toBeGreaterThan(0)
    })
  })
})

/** Greedy, and no knob that changes which tokens are the top two. */
const plainRequests = eightRequests.slice(0, 5).map((request) => ({
  promptTokenIds: request.promptTokenIds,
  samplingParams: {
    temperature: 0,
    maxTokens: 12,
    ignoreEos: true,
    seed: request.samplingParams.seed,
  },
}))

const topTwoApart = (logits: Float32Array): number => {
  const [first, second] = logits.toSorted((a, b) => b - a)
  return first! - second!
}

/** Checks a stream against its lone run, up to where a near tie may have parted them. */
const expectClose = (stream: Stream, lone: Stream) => {
  for (const [index, row] of lone.logits.entries()) {
    const wanted = row!
    const farthest = wanted.reduce(
      (most, logit, id) => Math.max(most, Math.abs(logit - stream.logits[index]![id]!)),
      0,
    )
    expect(farthest).toBeLessThan(1e-4)
    if (stream.tokenIds[index] === lone.tokenIds[index]) continue
    expect(topTwoApart(wanted)).toBeLessThan(2e-4)
    return
  }
}

// SwiftShader takes half a minute to compile either of these forms; there, `golden.test.ts` runs them.
const isSlowToCompile = /swiftshader/i.test((await testContext()).adapterName)

describe.skipIf(isSlowToCompile).each(['workgroup', 'subgroup'] as const)(
  'in %s form',
  (reduction) => {
    // Lavapipe compiles at first use, for minutes on busy cores unless Mesa's disk cache has it.
    it(
      'streams have logits within 1e-4 of lone runs, and their tokens',
      { timeout: 600_000 },
      async () => {
        const model = await load(reduction)
        const lone = await withEngine(model, { enablePrefixCaching: false }, (engine) =>
          drawAlone(engine, recorder, plainRequests),
        )
        const options = {
          numBlocks: 7,
          maxNumBatchedTokens: 21,
          speculation: { numSpeculativeTokens: 4 },
        }
        await withEngine(model, options, async (engine) => {
          const streams = await drawTogether(engine, recorder, plainRequests)
          for (const [which, stream] of streams.entries()) expectClose(stream, lone[which]!)
          expect(engine.stats().numPreemptions).toBeGreaterThan(0)
        })
        model.executor.dispose()
      },
    )
  },
)
