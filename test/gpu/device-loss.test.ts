import { afterEach, beforeAll, expect, it } from 'vitest'
import type { GenerationEngineOptions } from '../../src/engine/engine.ts'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import type { ModelExecutor } from '../../src/engine/model-executor.ts'
import { EngineError } from '../../src/errors.ts'
import {
  draw,
  drawAlone,
  eightRequests,
  firstDifference,
  LogitRecorder,
  shared,
  type Stream,
} from './streams.ts'
import { createEngineOver, createTestModel, type TestModel } from './test-engine.ts'

const recorder = new LogitRecorder()
const load = () =>
  createTestModel({
    path: 'test/fixtures/models/tiny-qwen3',
    reduction: 'none',
    maxModelLen: 256,
    onLogits: recorder.onLogits,
  })

let lone: Stream[]
beforeAll(async () => {
  const alone = createEngineOver(await load(), { enablePrefixCaching: false })
  lone = await drawAlone(alone, recorder, eightRequests)
  alone.dispose()
})

let engine: GenerationEngine
/** Models in the order in which they were loaded; the last one is in use. */
let models: TestModel[]
const start = async (options: Partial<GenerationEngineOptions> = {}): Promise<void> => {
  models = [await load()]
  engine = createEngineOver(models[0]!, {
    rebuild: async (_, numBlocks) => {
      const model = await load()
      models.push(model)
      return { executor: model.executor, numBlocks }
    },
    ...options,
  })
}
afterEach(() => {
  engine.dispose()
  recorder.clear()
})

const destroyDevice = () => models.at(-1)!.device.destroy()

/** Draws all eight together and calls `disturb` each time that another token has come. */
const drawDisturbed = async (disturb: (numTokens: number) => void): Promise<Stream[]> => {
  let numTokens = 0
  const drawn = await Promise.all(
    eightRequests.map((request) =>
      draw(engine, request, () => {
        numTokens += 1
        disturb(numTokens)
      }),
    ),
  )
  return Promise.all(
    eightRequests.map((request, which) => recorder.stream(request, drawn[which]!, true)),
  )
}

const expectLone = (streams: readonly Stream[]) => {
  expect(streams.map(({ tokenIds }) => tokenIds)).toEqual(lone.map(({ tokenIds }) => tokenIds))
  expect(firstDifference(streams, lone)).toBeNull()
  // At most those of the steps that were on their way when the device went: three with eight rows.
  const numLost = streams.flatMap(({ logits }) => logits).filter((row) => row === null).length
  expect(numLost).toBeLessThanOrEqual(24)
}

it('eight streams go on with the same bits when the device goes', async () => {
  await start()
  let numRunning = 0
  const streams = await drawDisturbed((numTokens) => {
    if (numTokens !== 60) return
    numRunning = engine.stats().numRunning
    destroyDevice()
  })
  expectLone(streams)
  expect(numRunning).toBe(8)
  const { numDeviceLosses, numFreeBlocks, numBlocks, numPreemptions } = engine.stats()
  expect(numDeviceLosses).toBe(1)
  expect(numFreeBlocks).toBe(numBlocks)
  expect(numPreemptions).toBeGreaterThanOrEqual(8)
  expect(models).toHaveLength(2)
})

it('also while prompts are prefilled in chunks, and again while nothing runs', async () => {
  await start({ maxNumBatchedTokens: 16, speculation: { numSpeculativeTokens: 4 }, runAhead: 3 })
  const streams = await drawDisturbed((numTokens) => {
    if (numTokens === 1) destroyDevice()
  })
  expectLone(streams)
  expect(engine.stats().numDeviceLosses).toBe(1)
  destroyDevice()
  await models.at(-1)!.executor.failed
  expectLone(await drawDisturbed(() => {}))
  expect(engine.stats().numDeviceLosses).toBe(2)
  expect(models).toHaveLength(3)
})

it('until the third loss within a minute, which ends what is open and what comes later', async () => {
  let now = 0
  await start({ now: () => (now += 1) })
  const streams = drawDisturbed((numTokens) => {
    if (numTokens % 20 === 0) destroyDevice()
  })
  await expect(streams).rejects.toMatchObject({ code: 'device-lost', message: /3 times/ })
  expect(models).toHaveLength(3)
  expect(() => engine.addRequest(eightRequests[0]!)).toThrow(
    expect.objectContaining({ code: 'device-lost' }),
  )
  expect(engine.stats()).toMatchObject({ numRunning: 0, numWaiting: 0 })
})

/** Runs out of memory at the twelfth step. */
const failing = (executor: ModelExecutor): ModelExecutor => ({
  ...shared(executor).executor,
  execute(stepInput, summary, sampling) {
    if (summary.stepId !== 12) return executor.execute(stepInput, summary, sampling)
    throw new EngineError('out-of-memory', 'The GPU ran out of memory.')
  },
  dispose: () => executor.dispose(),
})

it('and with fewer blocks when a step runs out of memory', async () => {
  const model = await load()
  engine = createEngineOver(model, {
    executor: failing(model.executor),
    numBlocks: 40,
    rebuild: async (cause, numBlocks) => {
      expect(cause.code).toBe('out-of-memory')
      const { executor } = await load()
      return { executor, numBlocks: (numBlocks * 3) / 4 }
    },
  })
  expectLone(await drawDisturbed(() => {}))
  expect(engine.stats()).toMatchObject({ numBlocks: 30, numFreeBlocks: 30, numDeviceLosses: 1 })
})
