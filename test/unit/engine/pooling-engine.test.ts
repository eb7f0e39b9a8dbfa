import { describe, expect, it } from 'vitest'
import { createPoolingEngine } from '../../../src/engine/pooling-engine.ts'
import type { PoolingExecutor } from '../../../src/engine/pooling-executor.ts'
import { EngineError } from '../../../src/errors.ts'

type Step = {
  readonly texts: readonly (readonly number[])[]
  readonly finish: () => void
  readonly fail: (error: EngineError) => void
}

/** Steps end when the test says so; a text's vector is [its first id, its length]. */
const createFakeExecutor = () => {
  const steps: Step[] = []
  let disposed = false
  const fail: ((error: EngineError) => void)[] = []
  const failed = new Promise<EngineError>((resolve) => fail.push(resolve))
  const executor: PoolingExecutor = {
    adapter: 'fake',
    dispatchesPerStep: 1,
    failed,
    execute: (texts) =>
      new Promise((resolve, reject) => {
        const vectors = texts.map((text) => Float32Array.of(text[0]!, text.length))
        steps.push({ texts, finish: () => resolve(vectors), fail: reject })
      }),
    dispose: () => (disposed = true),
  }
  return { executor, steps, lose: fail[0]!, isDisposed: () => disposed }
}

type Options = Partial<Parameters<typeof createPoolingEngine>[0]>

const createTestEngine = (options: Options = {}) => {
  const fake = createFakeExecutor()
  const engine = createPoolingEngine({
    executor: fake.executor,
    maxModelLen: 20,
    vocabSize: 100,
    width: 2,
    maxNumSeqs: 3,
    maxNumBatchedTokens: 10,
    targetStepMs: null,
    ...options,
  })
  const embed = (first: number, length: number, priority = 0) =>
    engine.addRequest({
      promptTokenIds: [first, ...Array.from({ length: length - 1 }, () => 1)],
      priority,
      normalize: false,
    })
  return { engine, embed, ...fake }
}

const settle = () => new Promise((resolve) => setTimeout(resolve))
const firsts = (steps: readonly Step[]) => steps.map(({ texts }) => texts.map(([id]) => id))

describe('the pooling engine', () => {
  it('takes texts into steps in order, within the budget, a long one alone', async () => {
    const { engine, embed, steps } = createTestEngine()
    const texts = [embed(1, 4), embed(2, 4), embed(3, 4), embed(4, 15), embed(5, 1), embed(6, 1)]
    texts.push(embed(7, 1), embed(8, 1))
    await settle()
    // Two steps are on the GPU at once.
    expect(firsts(steps)).toEqual([[1, 2], [3]])
    expect(engine.stats()).toMatchObject({ numRunning: 3, numWaiting: 5, numOverlappedSteps: 1 })
    for (let i = 0; i < 5; i++) {
      steps[i]?.finish()
      await settle()
    }
    expect(firsts(steps)).toEqual([[1, 2], [3], [4], [5, 6, 7], [8]])
    const vectors = await Promise.all(texts.map(({ vector }) => vector))
    expect(vectors.map(([first]) => first)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(engine.stats()).toMatchObject({
      numFinished: { stop: 8, length: 0, abort: 0 },
      numPromptTokens: 31,
      numSteps: 5,
    })
  })

  it('serves a lower priority number first', async () => {
    const { embed, steps } = createTestEngine()
    embed(1, 10)
    embed(2, 10)
    await settle()
    embed(3, 10, 1)
    embed(4, 10)
    embed(5, 10, -1)
    for (let i = 0; i < 3; i++) {
      steps[i]!.finish()
      await settle()
    }
    expect(firsts(steps)).toEqual([[1], [2], [5], [4], [3]])
  })

  it('cuts a vector and then gives it length 1', async () => {
    const { engine, steps } = createTestEngine()
    const add = (dimensions: number | null, normalize: boolean) =>
      engine.addRequest({ promptTokenIds: [3, 1, 1, 1], dimensions, normalize })
    const texts = [add(null, false), add(null, true)]
    await settle()
    const cut = add(1, true)
    steps[0]!.finish()
    await settle()
    steps[1]!.finish()
    const [raw, whole] = await Promise.all(texts.map(({ vector }) => vector))
    expect([...raw!]).toEqual([3, 4])
    expect([...whole!].map((x) => Number(x.toFixed(6)))).toEqual([0.6, 0.8])
    expect([...(await cut.vector)]).toEqual([1])
  })

  it('aborts what waits and what runs', async () => {
    const { engine, embed, steps } = createTestEngine()
    const [running, , waiting, last] = [embed(1, 10), embed(2, 10), embed(3, 10), embed(4, 10)]
    await settle()
    running.abort()
    waiting.abort()
    waiting.abort()
    await expect(running.vector).rejects.toMatchObject({ code: 'aborted' })
    await expect(waiting.vector).rejects.toMatchObject({ code: 'aborted' })
    steps[0]!.finish()
    await settle()
    expect(firsts(steps)).toEqual([[1], [2], [4]])
    steps[2]!.finish()
    expect([...(await last.vector)]).toEqual([4, 10])
    expect(engine.stats().numFinished).toMatchObject({ abort: 2 })
  })

  it('refuses what it can not embed', () => {
    const { embed, engine } = createTestEngine()
    expect(() => embed(1, 21)).toThrow(
      "This model's maximum context length is 20 tokens. However, you requested 21 tokens in the " +
        'input for embedding generation. Please reduce the length of the input.',
    )
    expect(() => embed(100, 1)).toThrow(/out of vocabulary/)
    expect(() => engine.addRequest({ promptTokenIds: [], normalize: true })).toThrow(/no tokens/)
  })

  it('goes on with a new executor when the device is lost', async () => {
    const next = createFakeExecutor()
    const { engine, embed, steps, lose, isDisposed } = createTestEngine({
      rebuild: async () => next.executor,
    })
    const texts = [embed(1, 10), embed(2, 10), embed(3, 10)]
    await settle()
    const lost = new EngineError('device-lost', 'gone')
    lose(lost)
    steps.forEach(({ fail }) => fail(lost))
    await settle()
    expect(isDisposed()).toBe(true)
    expect(firsts(next.steps)).toEqual([[1], [2]])
    next.steps[0]!.finish()
    next.steps[1]!.finish()
    await settle()
    next.steps[2]!.finish()
    expect((await Promise.all(texts.map(({ vector }) => vector))).map(([id]) => id)).toEqual([
      1, 2, 3,
    ])
    expect(engine.stats().numDeviceLosses).toBe(1)
  })

  it('ends open requests with any other failure, and those after dispose', async () => {
    const { engine, embed, steps } = createTestEngine()
    const text = embed(1, 1)
    await settle()
    steps[0]!.fail(new EngineError('internal', 'refused'))
    await expect(text.vector).rejects.toThrow('refused')
    const later = embed(2, 1)
    await settle()
    engine.dispose()
    await expect(later.vector).rejects.toMatchObject({ code: 'disposed' })
    expect(() => embed(3, 1)).toThrow(/disposed/)
  })
})
