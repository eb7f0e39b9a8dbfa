import { EngineError } from '../errors.ts'
import { EngineMetrics, type RequestTimes, timesFrom } from './engine-metrics.ts'
import type { EngineStats } from './generation.ts'
import { LossLimit } from './loss-limit.ts'
import {
  finishVector,
  type PooledText,
  type PoolingEngine,
  type PoolingRequest,
} from './pooling.ts'
import type { PoolingExecutor } from './pooling-executor.ts'
import { checkTokenIds } from './request.ts'
import { blockSize } from './block-manager.ts'
import { TokenBudget } from './token-budget.ts'

export type PoolingEngineOptions = {
  readonly executor: PoolingExecutor
  /** Longest text in tokens; the executor takes a step of one such text. */
  readonly maxModelLen: number
  readonly vocabSize: number
  /** Numbers in a vector. */
  readonly width: number
  /** Most texts in a step. */
  readonly maxNumSeqs: number
  /** Tokens of a step of several texts at most. */
  readonly maxNumBatchedTokens: number
  /** Makes a new executor in the place of one that failed with `device-lost` or `out-of-memory`. */
  readonly rebuild?: (cause: EngineError) => Promise<PoolingExecutor>
  /** Steps of several texts shrink until one takes this long; null for full steps. Default 30. */
  readonly targetStepMs?: number | null
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
}

/** Most steps on the GPU at once: while one runs, the next one waits in line. */
const runAhead = 2

/**
 * Builds the engine around an executor, which it then owns. Requests are served whole, by priority and
 * then in the order of their arrival, as many in a step as the budget of tokens allows.
 *
 * When the GPU's device is lost or out of memory and there is a `rebuild`, open requests are done by
 * the new executor. Any other failure ends them with its error.
 */
export const createPoolingEngine = (options: PoolingEngineOptions): PoolingEngine =>
  new PoolingLoop(options)

class OpenRequest {
  readonly request: PoolingRequest
  readonly times: RequestTimes
  readonly vector: Promise<Float32Array<ArrayBuffer>>
  resolve: (vector: Float32Array<ArrayBuffer>) => void = () => {}
  reject: (error: EngineError) => void = () => {}

  constructor(request: PoolingRequest, arrivedAt: number) {
    this.request = request
    this.times = timesFrom(arrivedAt, request.promptTokenIds.length)
    this.vector = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever aborts need not wait for the outcome.
    this.vector.catch(() => {})
  }
}

const describeAs =
  (status: 'waiting' | 'running') =>
  ({ request }: OpenRequest, index: number): EngineStats['requests'][number] => ({
    requestId: `${status}-${index}`,
    status,
    numPromptTokens: request.promptTokenIds.length,
    numComputedTokens: 0,
    numOutputTokens: 0,
    numBlocks: 0,
  })

class PoolingLoop implements PoolingEngine {
  readonly maxModelLen: number
  readonly vocabSize: number
  readonly width: number
  readonly #options: PoolingEngineOptions
  readonly #now: () => number
  readonly #budget: TokenBudget
  readonly #losses = new LossLimit()
  readonly #metrics = new EngineMetrics()
  #executor: PoolingExecutor
  /** In the order in which they will be served. */
  #waiting: OpenRequest[] = []
  readonly #running = new Set<OpenRequest>()
  #numInFlight = 0
  #isRebuilding = false
  /** Why the engine takes no more requests. */
  #stopped: EngineError | null = null
  #numSteps = 0
  #numOverlappedSteps = 0
  #lastStepMs = 0

  constructor(options: PoolingEngineOptions) {
    this.#options = options
    this.#executor = options.executor
    this.maxModelLen = options.maxModelLen
    this.vocabSize = options.vocabSize
    this.width = options.width
    this.#now = options.now ?? (() => performance.now())
    this.#budget = new TokenBudget({
      minTokens: Math.min(blockSize, options.maxNumBatchedTokens),
      maxTokens: options.maxNumBatchedTokens,
      targetStepMs: options.targetStepMs === undefined ? 30 : options.targetStepMs,
    })
    this.#watch(options.executor)
  }

  addRequest(request: PoolingRequest): PooledText {
    if (this.#stopped) throw this.#stopped
    this.#check(request.promptTokenIds)
    const open = new OpenRequest(request, this.#now())
    this.#enqueue(open)
    // Not at once, so that requests which come together share a step.
    queueMicrotask(() => this.#submit())
    return { vector: open.vector, abort: () => this.#abort(open) }
  }

  stats(): EngineStats {
    return {
      ...this.#metrics.totals(),
      numRunning: this.#running.size,
      numWaiting: this.#waiting.length,
      blockSize,
      numBlocks: 0,
      numFreeBlocks: 0,
      blocks: [],
      requests: [
        ...[...this.#running].map(describeAs('running')),
        ...this.#waiting.map(describeAs('waiting')),
      ],
      numSteps: this.#numSteps,
      numOverlappedSteps: this.#numOverlappedSteps,
      numPreemptions: 0,
      prefixCacheQueriedTokens: 0,
      prefixCacheHitTokens: 0,
      numDrafts: 0,
      numDraftTokens: 0,
      numAcceptedTokens: 0,
      numDeviceLosses: this.#losses.total,
      lastStepMs: this.#lastStepMs,
      dispatchesPerStep: this.#executor.dispatchesPerStep,
      adapter: this.#executor.adapter,
    }
  }

  resetPrefixCache(): boolean {
    return true
  }

  dispose(): void {
    const error = new EngineError('disposed', 'The engine was disposed. Create a new one.')
    if (this.#stopped?.code === 'disposed') return
    this.#stopped = error
    this.#endAll(error)
    this.#executor.dispose()
  }

  #check(promptTokenIds: readonly number[]): void {
    const { maxModelLen } = this
    checkTokenIds(promptTokenIds, this.vocabSize)
    if (promptTokenIds.length <= maxModelLen) return
    throw new EngineError(
      'context-length-exceeded',
      `This model's maximum context length is ${maxModelLen} tokens. However, you requested ` +
        `${promptTokenIds.length} tokens in the input for embedding generation. Please reduce the ` +
        'length of the input.',
      { details: { maxModelLen, numPromptTokens: promptTokenIds.length } },
    )
  }

  #enqueue(open: OpenRequest): void {
    const { priority = 0 } = open.request
    const after = this.#waiting.findIndex((other) => (other.request.priority ?? 0) > priority)
    this.#waiting.splice(after < 0 ? this.#waiting.length : after, 0, open)
  }

  #abort(open: OpenRequest): void {
    const wasWaiting = this.#waiting.includes(open)
    if (!wasWaiting && !this.#running.delete(open)) return
    this.#waiting = this.#waiting.filter((other) => other !== open)
    this.#metrics.finished(open.times, 'abort', this.#now())
    open.reject(new EngineError('aborted', 'The request was aborted.'))
  }

  /** The texts of the next step: one at least, more as far as the budget goes. */
  #takeBatch(): OpenRequest[] {
    let left = this.#budget.numTokens
    let count = 0
    for (const { request } of this.#waiting.slice(0, this.#options.maxNumSeqs)) {
      left -= request.promptTokenIds.length
      if (count > 0 && left < 0) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  /** Submits steps as long as there is something to compute and room on the GPU's queue. */
  #submit(): void {
    while (!this.#isRebuilding && this.#numInFlight < runAhead && this.#waiting.length > 0) {
      const startedAt = this.#now()
      const batch = this.#takeBatch()
      for (const open of batch) {
        this.#running.add(open)
        this.#metrics.started(open.times, startedAt)
      }
      this.#numSteps += 1
      if (this.#numInFlight > 0) this.#numOverlappedSteps += 1
      this.#numInFlight += 1
      void this.#run(batch, this.#executor, startedAt)
      this.#lastStepMs = this.#now() - startedAt
    }
  }

  async #run(
    batch: readonly OpenRequest[],
    executor: PoolingExecutor,
    startedAt: number,
  ): Promise<void> {
    try {
      const texts = batch.map(({ request }) => request.promptTokenIds)
      const vectors = await executor.execute(texts)
      const numTokens = texts.reduce((sum, text) => sum + text.length, 0)
      this.#budget.record(numTokens, startedAt, this.#now())
      batch.forEach((open, i) => this.#deliver(open, vectors[i]!))
    } catch (thrown) {
      if (executor === this.#executor) this.#fail(EngineError.from(thrown))
    }
    this.#numInFlight -= 1
    this.#submit()
  }

  #deliver(open: OpenRequest, vector: Float32Array): void {
    if (!this.#running.delete(open)) return
    const now = this.#now()
    this.#metrics.drew(open.times, 0, now)
    this.#metrics.finished(open.times, 'stop', now)
    open.resolve(finishVector(vector, open.request))
  }

  /** Notices a device that is lost while no step is under way. */
  #watch(executor: PoolingExecutor): void {
    void executor.failed.then((error) => {
      if (executor === this.#executor) this.#fail(error)
    })
  }

  #fail(error: EngineError): void {
    if (this.#isRebuilding || this.#stopped) return
    const { rebuild } = this.#options
    const isLoss = error.code === 'device-lost' || error.code === 'out-of-memory'
    if (rebuild && isLoss) void this.#rebuild(error, rebuild)
    else this.#endAll(error)
  }

  /** Puts what was running back in its place in the line, and carries on with a new executor. */
  async #rebuild(
    cause: EngineError,
    rebuild: NonNullable<PoolingEngineOptions['rebuild']>,
  ): Promise<void> {
    this.#isRebuilding = true
    this.#waiting.unshift(...this.#running)
    this.#running.clear()
    this.#executor.dispose()
    try {
      this.#losses.record(cause, this.#now())
      const executor = await rebuild(cause)
      if (this.#stopped) return executor.dispose()
      this.#executor = executor
      this.#watch(executor)
      this.#isRebuilding = false
      this.#submit()
    } catch (thrown) {
      this.#stopped ??= EngineError.from(thrown)
      this.#endAll(this.#stopped)
    }
  }

  #endAll(error: EngineError): void {
    for (const { reject } of [...this.#running, ...this.#waiting]) reject(error)
    this.#running.clear()
    this.#waiting = []
  }
}
