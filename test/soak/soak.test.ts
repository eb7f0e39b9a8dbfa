import { expect, it } from 'vitest'
import type { GenerationEngineOptions } from '../../src/engine/engine.ts'
import type {
  FinishReason,
  GenerationEngine,
  GenerationRequest,
  TokenLogprobs,
} from '../../src/engine/generation.ts'
import { EngineError } from '../../src/errors.ts'
import { shared } from '../gpu/streams.ts'
import { createEngineOver, createTestModel } from '../gpu/test-engine.ts'
import { createRandom, drawBadRequest, drawRequest, type Limits } from './requests.ts'

const numRequests = Number(process.env['SOAK_REQUESTS'] ?? 100)
const seed = Number(process.env['SOAK_SEED'] ?? 7)
/** More than the engine runs at once, so that some always wait. */
const numClients = 48
const maxNumSeqs = 32
/** Of 16 tokens each: about a fifth of what 32 sequences of this kind need. */
const numBlocks = 48
const numCompared = Math.min(200, Math.ceil(numRequests / 3))
const stuckAfterMs = 60_000
/** A leak of 5 KB a request would show in 2,000 requests. */
const mostHeapGrowth = 10 * 2 ** 20

const load = () =>
  createTestModel({
    path: 'test/fixtures/models/tiny-qwen3',
    reduction: 'none',
    maxModelLen: 256,
    maxNumSeqs,
    maxNumBatchedTokens: 96,
  })

type Finished = {
  readonly tokenIds: number[]
  readonly logprobs: (TokenLogprobs | null)[]
  readonly finishReason: FinishReason | null
}

/** Draws a request's tokens, and aborts it once there are `abortAfter` of them. */
const draw = async (
  engine: GenerationEngine,
  request: GenerationRequest,
  abortAfter = Infinity,
): Promise<Finished> => {
  const generation = engine.addRequest(request)
  const tokenIds: number[] = []
  const logprobs: (TokenLogprobs | null)[] = []
  let finishReason: FinishReason | null = null
  const watchdog = setTimeout(() => {
    const own = engine.stats().requests.find(({ requestId }) => requestId === generation.requestId)
    console.error('A stream is stuck:', own, engine.stats().numSteps)
    generation.abort()
  }, stuckAfterMs)
  if (abortAfter === 0) generation.abort()
  for await (const output of generation) {
    tokenIds.push(...output.newTokenIds)
    logprobs.push(...(output.promptLogprobs ?? []), ...(output.logprobs ?? []))
    finishReason = output.finishReason
    if (tokenIds.length >= abortAfter) generation.abort()
  }
  clearTimeout(watchdog)
  return { tokenIds, logprobs, finishReason }
}

const usedHeap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const createTally = () => ({
  numFinished: 0,
  numAborted: 0,
  numRefused: 0,
  heapAfterWarmUp: 0,
  compared: [] as { readonly request: GenerationRequest; readonly finished: Finished }[],
})

const expectRefused = (engine: GenerationEngine, request: GenerationRequest) => {
  let thrown: unknown
  try {
    engine.addRequest(request).abort()
  } catch (error) {
    thrown = error
  }
  expect(thrown, JSON.stringify(request)).toBeInstanceOf(EngineError)
  expect(thrown).toHaveProperty('code', expect.stringMatching(/^(invalid-request|context-length)/))
}

/** Sends requests one after the other, as many others do at the same time, until all are sent. */
const runClient = async (
  engine: GenerationEngine,
  limits: Limits,
  work: { next: number; readonly tally: ReturnType<typeof createTally>; disturb(): void },
) => {
  const { tally } = work
  while (work.next < numRequests) {
    const index = work.next
    work.next += 1
    if (index === Math.floor(numRequests / 4)) tally.heapAfterWarmUp = usedHeap()
    if (index === Math.floor(numRequests / 2)) work.disturb()
    const random = createRandom(seed * 1_000_003 + index)
    if (random.isOneIn(12)) {
      expectRefused(engine, drawBadRequest(random, limits))
      tally.numRefused += 1
      continue
    }
    const request = drawRequest(random, limits)
    const abortAfter = random.isOneIn(6) ? random.integer(0, 8) : Infinity
    if (random.isOneIn(3))
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, 40)))
    const finished = await draw(engine, request, abortAfter)
    const isWanted = abortAfter <= finished.tokenIds.length
    if (finished.finishReason === 'abort') expect(isWanted, `request ${index} is stuck`).toBe(true)
    if (finished.finishReason === 'abort') tally.numAborted += 1
    else tally.numFinished += 1
    if (tally.compared.length < numCompared && random.isOneIn(2)) {
      tally.compared.push({ request, finished })
    }
  }
}

/** Waits for the steps that a last abort has left on the GPU. */
const expectNoLeak = (engine: GenerationEngine) =>
  expect
    .poll(() => engine.stats())
    .toMatchObject({
      numRunning: 0,
      numWaiting: 0,
      numBlocks,
      numFreeBlocks: numBlocks,
      requests: [],
    })

it(`${numRequests} requests of all kinds leave nothing behind and get their own tokens`, async () => {
  let model = await load()
  const { vocabSize, maxModelLen } = model.limits
  const tally = createTally()
  const startedAt = performance.now()
  const options: Partial<GenerationEngineOptions> = {
    numBlocks,
    speculation: { numSpeculativeTokens: 4 },
    targetStepMs: 30,
    rebuild: async () => {
      model = await load()
      return { executor: model.executor, numBlocks }
    },
  }
  const engine = createEngineOver(model, options)
  const work = { next: 0, tally, disturb: () => model.device.destroy() }
  await Promise.all(
    Array.from({ length: numClients }, () => runClient(engine, { vocabSize, maxModelLen }, work)),
  )
  await expectNoLeak(engine)
  const heapGrowth = usedHeap() - tally.heapAfterWarmUp
  const stats = engine.stats()
  console.log(
    `${tally.numFinished} finished, ${tally.numAborted} aborted, ${tally.numRefused} refused in ` +
      `${((performance.now() - startedAt) / 1000).toFixed(1)} s; ${stats.numGeneratedTokens} tokens ` +
      `in ${stats.numSteps} steps, ${stats.numPreemptions} preemptions, ` +
      `${stats.prefixCacheHitTokens} of ${stats.prefixCacheQueriedTokens} prompt tokens cached, ` +
      `${stats.numAcceptedTokens} of ${stats.numDraftTokens} drafts right, ` +
      `${stats.numDeviceLosses} device lost, heap ${(heapGrowth / 2 ** 20).toFixed(1)} MiB more`,
  )
  expect(tally.numFinished + tally.numAborted + tally.numRefused).toBe(numRequests)
  for (const count of [tally.numAborted, tally.numRefused, stats.prefixCacheHitTokens]) {
    expect(count).toBeGreaterThan(0)
  }
  expect(stats.numPreemptions).toBeGreaterThan(0)
  expect(stats.numDeviceLosses).toBe(1)
  if (globalThis.gc) expect(heapGrowth).toBeLessThan(mostHeapGrowth)
  const { executor } = shared(model.executor)
  const alone = createEngineOver(model, {
    executor,
    numBlocks,
    enablePrefixCaching: false,
    runAhead: 1,
  })
  for (const { request, finished } of tally.compared) {
    const wanted = await draw(alone, request)
    if (finished.finishReason === 'abort') {
      expect(finished.tokenIds).toEqual(wanted.tokenIds.slice(0, finished.tokenIds.length))
    } else {
      expect(finished).toEqual(wanted)
    }
  }
  expect(tally.compared.length).toBe(numCompared)
  alone.dispose()
  engine.dispose()
})
