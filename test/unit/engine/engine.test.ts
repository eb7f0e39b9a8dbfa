import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createGenerationEngine, type GenerationEngineOptions } from '../../../src/engine/engine.ts'
import type {
  Generation,
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
} from '../../../src/engine/generation.ts'
import { EngineError } from '../../../src/errors.ts'
import { eosTokenId, generateAlone, SimulatedExecutor, tokens, vocabSize } from './simulated-gpu.ts'

const engines: GenerationEngine[] = []

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose()
})

const createTestEngine = (
  options: Partial<Omit<GenerationEngineOptions, 'executor'>> & { manual?: boolean } = {},
) => {
  const { numBlocks = 16, maxNumSeqs = 4, manual = false, ...rest } = options
  const executor = new SimulatedExecutor({ numBlocks, maxNumSeqs, manual })
  const engine = createGenerationEngine({
    executor,
    maxModelLen: 1024,
    vocabSize,
    eosTokenIds: [eosTokenId],
    numBlocks,
    maxNumSeqs,
    targetStepMs: null,
    checkIntegrity: true,
    ...rest,
  })
  engines.push(engine)
  return { engine, executor }
}

/** Lets all messages and step completions that are due through. */
const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0))
}

const read = async (generation: Generation) => {
  const outputs: GenerationOutput[] = []
  for await (const output of generation) outputs.push(output)
  return { outputs, tokenIds: outputs.flatMap((output) => output.newTokenIds) }
}

const params = { seed: 1, maxTokens: 12, ignoreEos: true }

describe('the loop', () => {
  test('generates what the model would alone, and says how it ended', async () => {
    const { engine, executor } = createTestEngine()
    const { outputs, tokenIds } = await read(
      engine.addRequest({ promptTokenIds: tokens(20), samplingParams: params }),
    )
    expect(tokenIds).toEqual(generateAlone(tokens(20), params))
    expect(outputs.map((output) => output.finishReason).filter(Boolean)).toEqual(['length'])
    expect(outputs.at(-1)?.finishReason).toBe('length')
    expect(executor.mostPending).toBe(2)
    expect(executor.summaries[0]).toEqual({
      stepId: 1,
      numTokens: 20,
      numSequences: 1,
      numSamples: 1,
      numDecodeSequences: 0,
      maxContextLength: 20,
      maxQueryLength: 20,
      adjustsLogits: false,
      logprobs: 0,
    })
  })

  test('submits a second step before the first one ends, and no third', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params })
    await settle()
    expect(executor.pending).toHaveLength(2)
    executor.complete()
    await settle()
    expect(executor.summaries).toHaveLength(3)
    expect(executor.pending).toHaveLength(2)
    for (let step = 0; step < 8; step++) {
      executor.complete()
      await settle()
    }
    // From the second step on, none waited for the tokens of the one before.
    const { numSteps, numOverlappedSteps } = engine.stats()
    expect([numSteps, numOverlappedSteps]).toEqual([11, 10])
  })

  test('joins a request that comes in while others run', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params })
    await settle()
    engine.addRequest({ promptTokenIds: tokens(9, 4), samplingParams: params })
    executor.complete()
    await settle()
    expect(executor.summaries.at(-1)).toMatchObject({ numSequences: 2, numDecodeSequences: 1 })
  })

  test('starts a new request at once though nothing else can be scheduled', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    engine.addRequest({ promptTokenIds: tokens(5), samplingParams: { ...params, maxTokens: 1 } })
    await settle()
    engine.addRequest({ promptTokenIds: tokens(9, 4), samplingParams: params })
    await settle()
    expect(executor.pending).toHaveLength(2)
  })

  test('takes steps in by order of submission, whichever is read back first', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    const samplingParams = { ...params, maxTokens: 2 }
    const reading = read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams }))
    await settle()
    executor.complete(1)
    await settle()
    expect(engine.stats().numGeneratedTokens).toBe(0)
    executor.complete()
    expect((await reading).tokenIds).toEqual(generateAlone(tokens(5), samplingParams))
  })

  test('merges outputs for a reader that comes late', async () => {
    const { engine } = createTestEngine()
    const generation = engine.addRequest({ promptTokenIds: tokens(20), samplingParams: params })
    while (engine.stats().numRunning + engine.stats().numWaiting > 0) await settle()
    const { outputs, tokenIds } = await read(generation)
    expect(outputs).toHaveLength(1)
    expect(tokenIds).toEqual(generateAlone(tokens(20), params))
  })

  test('names the stop id, and the cached tokens of a prompt seen before', async () => {
    const { engine } = createTestEngine()
    const alone = generateAlone(tokens(20), params)
    const stopTokenIds = [alone[3] ?? eosTokenId]
    const request = { promptTokenIds: tokens(20), samplingParams: { ...params, stopTokenIds } }
    const first = await read(engine.addRequest(request))
    const end = alone.indexOf(stopTokenIds[0] ?? 0) + 1
    expect(first.tokenIds).toEqual(alone.slice(0, end))
    expect(first.outputs.at(-1)).toMatchObject({
      finishReason: 'stop',
      stopTokenId: stopTokenIds[0],
      numCachedTokens: 0,
    })
    const second = await read(engine.addRequest(request))
    expect(second.outputs.at(-1)?.numCachedTokens).toBe(16)
    expect(second.tokenIds).toEqual(first.tokenIds)
  })

  test('draws the seed of a request that has none from the injected random', async () => {
    const { engine } = createTestEngine({ random: () => 3 / 2 ** 32 })
    const samplingParams = { maxTokens: 5, ignoreEos: true }
    const request = { promptTokenIds: tokens(5), samplingParams }
    const { tokenIds } = await read(engine.addRequest(request))
    expect(tokenIds).toEqual(generateAlone(tokens(5), { ...samplingParams, seed: 3 }))
  })
})

describe('the end of a request', () => {
  test('abort ends it with a last output and frees its blocks', async () => {
    const { engine } = createTestEngine()
    const samplingParams = { ...params, maxTokens: null }
    const generation = engine.addRequest({ promptTokenIds: tokens(20), samplingParams })
    const seen: GenerationOutput[] = []
    for await (const output of generation) {
      seen.push(output)
      if (seen.length === 3) {
        generation.abort()
        generation.abort()
      }
    }
    expect(seen.at(-1)).toMatchObject({ finishReason: 'abort', newTokenIds: [] })
    await settle()
    expect(engine.stats()).toMatchObject({ numRunning: 0, numFreeBlocks: 16 })
  })

  test('its reader may finish it, which counts as a stop', async () => {
    const { engine } = createTestEngine()
    const generation = engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params })
    for await (const { finishReason } of generation) {
      if (finishReason === null) generation.finish()
      else expect(finishReason).toBe('stop')
    }
    await settle()
    expect(engine.stats()).toMatchObject({
      numFinished: { stop: 1, length: 0, abort: 0 },
      numFreeBlocks: 16,
    })
  })

  test('leaving the loop early aborts it and leaves others alone', async () => {
    const { engine } = createTestEngine()
    const other = read(engine.addRequest({ promptTokenIds: tokens(8, 2), samplingParams: params }))
    const samplingParams = { ...params, maxTokens: null }
    for await (const output of engine.addRequest({ promptTokenIds: tokens(20), samplingParams })) {
      expect(output.finishReason).toBeNull()
      break
    }
    expect((await other).tokenIds).toEqual(generateAlone(tokens(8, 2), params))
    await settle()
    expect(engine.stats()).toMatchObject({ numRunning: 0, numWaiting: 0, numFreeBlocks: 16 })
  })

  test('outputs can be iterated only once', async () => {
    const { engine } = createTestEngine()
    const generation = engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params })
    await read(generation)
    await expect(read(generation)).rejects.toThrow(/only once/)
  })

  test('dispose ends open requests and refuses new ones', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    const reading = read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params }))
    await settle()
    engine.dispose()
    engine.dispose()
    executor.fail(new EngineError('disposed', 'gone'))
    await expect(reading).rejects.toMatchObject({ code: 'disposed' })
    expect(executor.isDisposed).toBe(true)
    expect(() => engine.addRequest({ promptTokenIds: [1], samplingParams: {} })).toThrow(/disposed/)
  })
})

describe('failure', () => {
  test.each(['submission', 'completion'] as const)(
    'a failed %s ends all open requests with its error, and the engine goes on',
    async (when) => {
      const { engine, executor } = createTestEngine({ manual: true })
      const request = { promptTokenIds: tokens(20), samplingParams: params }
      const readings = [1, 2].map(() => read(engine.addRequest(request)))
      const failures = Promise.allSettled(readings)
      if (when === 'submission') executor.executeError = new EngineError('device-lost', 'Lost.')
      await settle()
      if (when === 'completion') executor.fail(new EngineError('device-lost', 'Lost.'))
      for (const result of await failures) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'device-lost' } })
      }
      const numSteps = executor.summaries.length
      const next = read(engine.addRequest(request))
      await settle()
      if (when === 'completion') {
        // The step behind the failed one may still write the KV cache.
        expect(executor.summaries).toHaveLength(numSteps)
        executor.complete()
        await settle()
      }
      while (executor.pending.length > 0) {
        executor.complete()
        await settle()
      }
      const { tokenIds, outputs } = await next
      expect(tokenIds).toEqual(generateAlone(tokens(20), params))
      expect(outputs[0]?.numCachedTokens).toBe(0)
    },
  )

  test('an old step that fails late does not end new requests', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    const request = { promptTokenIds: tokens(20), samplingParams: { ...params, maxTokens: 1 } }
    const first = read(engine.addRequest({ ...request, samplingParams: params }))
    await settle()
    executor.fail(new EngineError('device-lost', 'Lost.'))
    await expect(first).rejects.toThrow('Lost.')
    const next = read(engine.addRequest(request))
    executor.fail(new EngineError('device-lost', 'Lost again.'))
    await settle()
    executor.complete()
    expect((await next).tokenIds).toEqual(generateAlone(tokens(20), request.samplingParams))
  })

  test('a refused request disturbs nobody', async () => {
    const { engine } = createTestEngine()
    const good = read(engine.addRequest({ promptTokenIds: tokens(8), samplingParams: params }))
    const refuse = (promptTokenIds: number[], samplingParams = {}) =>
      expect(() => engine.addRequest({ promptTokenIds, samplingParams }))
    refuse([]).toThrow(/no tokens/)
    refuse([1, vocabSize]).toThrow(/Token id 24 is out of vocabulary: ids go from 0 to 23/)
    refuse([1], { topP: 2 }).toThrow(/top_p/)
    refuse(tokens(256)).toThrow(/maximum context length is 256 tokens.*256 input tokens/)
    expect((await good).tokenIds).toEqual(generateAlone(tokens(8), params))
  })

  test('an id in use is refused, and free again afterwards', async () => {
    const { engine } = createTestEngine()
    const request = { promptTokenIds: tokens(5), samplingParams: params, requestId: 'x' }
    const first = engine.addRequest(request)
    expect(first.requestId).toBe('x')
    expect(() => engine.addRequest(request)).toThrow(/id x is running/)
    await read(first)
    await read(engine.addRequest(request))
    const { requestId: _, ...unnamed } = request
    engine.addRequest({ ...unnamed, requestId: 'request-1' })
    expect(engine.addRequest(unnamed).requestId).toBe('request-2')
  })
})

test('stats show blocks, requests and counters', async () => {
  const { engine, executor } = createTestEngine({ manual: true, maxNumSeqs: 1 })
  engine.addRequest({ promptTokenIds: tokens(20), samplingParams: params, requestId: 'a' })
  engine.addRequest({ promptTokenIds: tokens(20), samplingParams: params, requestId: 'b' })
  await settle()
  executor.complete()
  await settle()
  const stats = engine.stats()
  expect(stats).toMatchObject({
    numRunning: 1,
    numWaiting: 1,
    blockSize: 16,
    numBlocks: 16,
    numFreeBlocks: 14,
    numSteps: 3,
    numPromptTokens: 20,
    numGeneratedTokens: 1,
    prefixCacheQueriedTokens: 20,
    prefixCacheHitTokens: 0,
    dispatchesPerStep: 3,
    adapter: 'simulated',
  })
  expect(stats.blocks.slice(0, 3)).toEqual([
    { requestIds: ['a'], cached: true },
    { requestIds: ['a'], cached: false },
    { requestIds: [], cached: false },
  ])
  expect(stats.requests).toEqual([
    {
      requestId: 'a',
      status: 'running',
      numPromptTokens: 20,
      numComputedTokens: 22,
      numOutputTokens: 1,
      numBlocks: 2,
    },
    {
      requestId: 'b',
      status: 'waiting',
      numPromptTokens: 20,
      numComputedTokens: 0,
      numOutputTokens: 0,
      numBlocks: 0,
    },
  ])
})

test('streams equal lone runs whatever surrounds them', async () => {
  const request = fc.record({
    family: fc.nat(2),
    length: fc.integer({ min: 1, max: 50 }),
    delay: fc.nat(10),
    abortAfter: fc.option(fc.integer({ min: 1, max: 8 })),
    params: fc.record({
      seed: fc.nat(3),
      maxTokens: fc.integer({ min: 1, max: 40 }),
      ignoreEos: fc.boolean(),
    }),
  })
  const scenario = fc.record({
    numBlocks: fc.integer({ min: 6, max: 12 }),
    maxNumBatchedTokens: fc.constantFrom(5, 16, 33, 100),
    runAhead: fc.integer({ min: 1, max: 3 }),
    requests: fc.array(request, { minLength: 1, maxLength: 8 }),
  })
  await fc.assert(
    fc.asyncProperty(scenario, async ({ requests, ...options }) => {
      const { engine, executor } = createTestEngine(options)
      const runs = requests.map(async ({ family, length, delay, abortAfter, params }) => {
        for (let turn = 0; turn < delay; turn++) {
          await new Promise((resolve) => setImmediate(resolve))
        }
        const prompt = tokens(length, family)
        const alone = generateAlone(prompt, { ...params, maxModelLen: engine.maxModelLen })
        const generated: number[] = []
        for await (const output of engine.addRequest({
          promptTokenIds: prompt,
          samplingParams: params,
        })) {
          generated.push(...output.newTokenIds)
          if (abortAfter !== null && generated.length >= abortAfter) break
        }
        expect(generated).toEqual(abortAfter === null ? alone : alone.slice(0, generated.length))
      })
      await Promise.all(runs)
      while (executor.pending.length > 0) await settle()
      expect(engine.stats().numFreeBlocks).toBe(options.numBlocks)
      engine.dispose()
    }),
    { numRuns: 40 },
  )
})

const lost = () => new EngineError('device-lost', 'The GPU went away.')

const createRebuildable = (options: { numBlocks?: number; manual?: boolean } = {}) => {
  const executors: SimulatedExecutor[] = []
  let now = 0
  const { engine, executor } = createTestEngine({
    manual: options.manual ?? false,
    now: () => now,
    rebuild: async (_, numBlocks) => {
      const replacement = new SimulatedExecutor({ numBlocks, maxNumSeqs: 4 })
      executors.push(replacement)
      return { executor: replacement, numBlocks: options.numBlocks ?? numBlocks }
    },
  })
  executors.push(executor)
  return { engine, executors, advance: (ms: number) => (now += ms) }
}

describe('a lost device', () => {
  test('is a preemption to the streams', async () => {
    const { engine, executors } = createRebuildable({ manual: true })
    const prompts = [5, 20, 33].map((length) => tokens(length, length))
    const readings = prompts.map((promptTokenIds) =>
      read(engine.addRequest({ promptTokenIds, samplingParams: params })),
    )
    for (let step = 0; step < 4; step++) {
      await settle()
      executors[0]!.complete()
    }
    await settle()
    executors[0]!.lose(lost())
    const results = await Promise.all(readings)
    expect(results.map((result) => result.tokenIds)).toEqual(
      prompts.map((prompt) => generateAlone(prompt, params)),
    )
    expect(engine.stats().numDeviceLosses).toBe(1)
    expect(executors[0]!.isDisposed).toBe(true)
    expect(executors).toHaveLength(2)
  })

  test('is noticed and replaced while nothing runs', async () => {
    const { engine, executors } = createRebuildable()
    executors[0]!.lose(lost())
    await settle()
    expect(executors).toHaveLength(2)
    const { tokenIds } = await read(
      engine.addRequest({ promptTokenIds: tokens(9), samplingParams: params }),
    )
    expect(tokenIds).toEqual(generateAlone(tokens(9), params))
  })

  test('stops the engine at the third time within a minute', async () => {
    const { engine, executors, advance } = createRebuildable()
    for (const wait of [40_000, 30_000, 20_000]) {
      executors.at(-1)!.lose(lost())
      await settle()
      advance(wait)
    }
    // The first of the three is more than a minute ago.
    engine.addRequest({ promptTokenIds: tokens(3), samplingParams: params })
    executors.at(-1)!.lose(lost())
    await settle()
    expect(() => engine.addRequest({ promptTokenIds: tokens(3), samplingParams: params })).toThrow(
      /failed 3 times within a minute, last with: The GPU went away/,
    )
  })

  test('ends what no longer fits, and says so', async () => {
    const { engine, executors } = createRebuildable({ numBlocks: 2, manual: true })
    const small = read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params }))
    const large = read(engine.addRequest({ promptTokenIds: tokens(40), samplingParams: params }))
    await settle()
    executors[0]!.lose(new EngineError('out-of-memory', 'The GPU is full.'))
    await expect(large).rejects.toThrow(/2 KV blocks that are left hold 32 tokens/)
    expect((await small).tokenIds).toEqual(generateAlone(tokens(5), params))
  })

  test('that can not be replaced ends all requests with the reason', async () => {
    const { engine, executor } = createTestEngine({
      manual: true,
      rebuild: () => Promise.reject(new EngineError('webgpu-unavailable', 'No adapter is left.')),
    })
    const reading = read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params }))
    await settle()
    executor.lose(lost())
    await expect(reading).rejects.toThrow('No adapter is left.')
  })
})

const masked = (tokenMask: GenerationRequest['tokenMask'], maxTokens = 4) => ({
  promptTokenIds: tokens(5),
  samplingParams: { ...params, maxTokens },
  ...(tokenMask && { tokenMask }),
})

describe('a token mask', () => {
  test('sees every token before', async () => {
    const { engine } = createTestEngine()
    const seen: (readonly number[])[] = []
    const { tokenIds } = await read(
      engine.addRequest(
        masked(async (outputTokenIds) => {
          seen.push([...outputTokenIds])
          return null
        }),
      ),
    )
    expect(seen).toEqual([0, 1, 2, 3].map((length) => tokenIds.slice(0, length)))
    expect(tokenIds).toEqual(generateAlone(tokens(5), { ...params, maxTokens: 4 }))
  })

  test('is asked for while the GPU computes the logits that it narrows, which no step overtakes', async () => {
    const { engine, executor } = createTestEngine({ manual: true })
    const asked: ((mask: null) => void)[] = []
    const tokenMask = () => new Promise<null>((resolve) => asked.push(resolve))
    engine.addRequest(masked(tokenMask))
    await settle()
    expect([executor.summaries.length, executor.numWaiting, asked.length]).toEqual([1, 1, 1])
    const other = engine.addRequest({ promptTokenIds: tokens(7, 3), samplingParams: params })
    await settle()
    expect(executor.summaries).toHaveLength(1)
    asked.shift()?.(null)
    await settle()
    // The next logits are on their way before the first token is known, and so before its mask.
    expect([executor.pending.length, executor.numWaiting, asked.length]).toEqual([1, 1, 0])
    executor.complete()
    await settle()
    expect([executor.pending.length, executor.numWaiting, asked.length]).toEqual([0, 1, 1])
    expect(engine.stats().numOverlappedSteps).toBe(1)
    other.abort()
  })

  test('holds up nobody when it is given up for an abort', async () => {
    const { engine, executor } = createTestEngine()
    const asked: ((mask: null) => void)[] = []
    const tokenMask = () => new Promise<null>((resolve) => asked.push(resolve))
    const generation = engine.addRequest(masked(tokenMask))
    await settle()
    generation.abort()
    expect(engine.stats().numRunning).toBe(0)
    asked.shift()?.(null)
    const { tokenIds } = await read(engine.addRequest(masked(undefined, 12)))
    expect(tokenIds).toEqual(generateAlone(tokens(5), params))
    expect(executor.numWaiting).toBe(0)
  })

  test('that fails ends its own request alone', async () => {
    const { engine } = createTestEngine()
    const other = read(engine.addRequest({ promptTokenIds: tokens(20), samplingParams: params }))
    const failing = engine.addRequest(
      masked(async ({ length }) => {
        if (length === 2) throw new EngineError('internal', 'The grammar is gone.')
        return null
      }),
    )
    await expect(read(failing)).rejects.toThrow('The grammar is gone.')
    expect((await other).tokenIds).toEqual(generateAlone(tokens(20), params))
    expect(engine.stats()).toMatchObject({ numRunning: 0, numFreeBlocks: 16 })
  })

  test('goes on with the tokens so far when the device is lost under it', async () => {
    const { engine, executors } = createRebuildable({})
    const tokenMask = async ({ length }: readonly number[]) => {
      if (length === 3) executors[0]!.lose(new EngineError('device-lost', 'Gone.'))
      return null
    }
    const { tokenIds } = await read(engine.addRequest(masked(tokenMask, 12)))
    expect(tokenIds).toEqual(generateAlone(tokens(5), params))
    expect(executors).toHaveLength(2)
  })
})

test('adjustments that look back at tokens on the GPU are told in time', async () => {
  const { engine, executor } = createTestEngine()
  const samplingParams = { ...params, frequencyPenalty: 1, badWordsTokenIds: [[1, 2]] }
  const { tokenIds } = await read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams }))
  expect(tokenIds).toEqual(generateAlone(tokens(5), { ...params, frequencyPenalty: 1 }))
  expect(engine.stats().numOverlappedSteps).toBe(11)
  expect(executor.mostPending).toBe(1)
})

test('steps run ahead as far as tokens may be any', async () => {
  const { engine, executor } = createTestEngine()
  const seen: number[] = []
  const tokenIds = await read(
    engine.addRequest({
      promptTokenIds: tokens(5),
      samplingParams: params,
      tokenMask: async (outputTokenIds) => {
        seen.push(outputTokenIds.length)
        return null
      },
      numUnmasked: ({ length }) => (length < 6 ? 6 - length : length < 8 ? 0 : 100),
    }),
  )
  expect(seen).toEqual([6, 7])
  expect(executor.mostPending).toBe(2)
  expect(executor.summaries.map(({ adjustsLogits }) => adjustsLogits)).toEqual(
    // The token after those may be any, which is known once they are.
    Array.from({ length: 12 }, (_, step) => step >= 6 && step <= 8),
  )
  expect(tokenIds.tokenIds).toEqual(generateAlone(tokens(5), params))
})

test('log probabilities come with their tokens, those of the prompt first', async () => {
  const { engine } = createTestEngine()
  const { outputs, tokenIds } = await read(
    engine.addRequest({
      promptTokenIds: tokens(20),
      samplingParams: { ...params, logprobs: 0, promptLogprobs: 0 },
    }),
  )
  expect(outputs.flatMap((output) => output.logprobs ?? []).map((l) => l.tokenId)).toEqual(tokenIds)
  expect(outputs[0]?.promptLogprobs?.map((entry) => entry?.tokenId ?? null)).toEqual([
    null,
    ...tokens(20).slice(1),
  ])
  expect(outputs.slice(1).every((output) => output.promptLogprobs === null)).toBe(true)
})

const count = (counts: readonly number[]) => counts.reduce((sum, n) => sum + n, 0)

test('times and endings are counted', async () => {
  const { engine } = createTestEngine()
  await read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params }))
  const aborted = engine.addRequest({ promptTokenIds: tokens(7), samplingParams: params })
  aborted.abort()
  const stats = engine.stats()
  expect(stats.numFinished).toEqual({ stop: 0, length: 1, abort: 1 })
  expect(count(stats.timeToFirstToken.counts)).toBe(1)
  expect(count(stats.interTokenLatency.counts)).toBe(11)
  expect(count(stats.requestLatency.counts)).toBe(2)
  expect(count(stats.queueTime.counts)).toBe(1)
  expect(count(stats.prefillTime.counts)).toBe(1)
  expect(stats.requestPromptTokens).toMatchObject({ sum: 12 })
  expect(stats.requestPromptTokens.counts.slice(0, 4)).toEqual([0, 0, 1, 1])
  expect(stats.requestGenerationTokens.sum).toBe(12)
})

test('the time of an answer is that until its first token and that from there', async () => {
  let seconds = 0
  const { engine } = createTestEngine({ now: () => (seconds += 1) * 1000 })
  await read(engine.addRequest({ promptTokenIds: tokens(5), samplingParams: params }))
  const { queueTime, prefillTime, decodeTime, inferenceTime, ...stats } = engine.stats()
  expect(prefillTime.sum).toBeGreaterThan(0)
  expect(decodeTime.sum).toBe(stats.interTokenLatency.sum)
  expect(inferenceTime.sum).toBe(prefillTime.sum + decodeTime.sum)
  expect(queueTime.sum + inferenceTime.sum).toBe(stats.requestLatency.sum)
  expect(queueTime.sum + prefillTime.sum).toBe(stats.timeToFirstToken.sum)
  expect(stats.timePerOutputToken.sum).toBeCloseTo(decodeTime.sum / 11)
})
