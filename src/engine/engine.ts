import { EngineError } from '../errors.ts'
import { blockSize } from './block-manager.ts'
import { createEventLoopYield, type EventLoopYield, WakeSignal } from './event-loop.ts'
import { describeEngine } from './engine-stats.ts'
import type {
  EngineStats,
  Generation,
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
} from './generation.ts'
import type { ModelExecutor, StepHandle } from './model-executor.ts'
import { OutputQueue } from './output-queue.ts'
import { createSequence } from './request.ts'
import { type SampledToken, Scheduler } from './scheduler.ts'
import type { SchedulerOutput } from './scheduler-output.ts'
import type { Sequence } from './sequence.ts'
import { StepInputBuilder, summarizeStep } from './step-input.ts'
import { TokenBudget } from './token-budget.ts'

export type GenerationEngineOptions = {
  readonly executor: ModelExecutor
  /** Longest prompt and output together; lowered to what the KV cache holds. */
  readonly maxModelLen: number
  readonly vocabSize: number
  readonly eosTokenIds: readonly number[]
  /** KV blocks of 16 tokens that the executor has. */
  readonly numBlocks: number
  /** Most sequences that run together, and the number of slots on the GPU. Default 8. */
  readonly maxNumSeqs?: number
  /** Most tokens a step computes. Default 256. */
  readonly maxNumBatchedTokens?: number
  /** Most steps on the GPU at once. Default 2: while one runs, the next one waits in line. */
  readonly runAhead?: number
  /** Share the KV of equal prompt starts. Default true. */
  readonly enablePrefixCaching?: boolean
  /** Shorten prefill chunks until a step takes this long; null for full chunks. Default 30. */
  readonly targetStepMs?: number | null
  /** Check all bookkeeping after every step, for tests. Default false. */
  readonly checkIntegrity?: boolean
  /** Uniform in [0, 1); draws the seeds of requests that come without one. */
  readonly random?: () => number
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
  /** Lets messages in between steps; closed with the engine. Default: a message to oneself. */
  readonly eventLoop?: EventLoopYield
}

/**
 * Builds the engine around an executor, which it then owns, and starts its loop.
 *
 * An executor that fails ends all requests that are open with its error. The engine then starts
 * over with an empty KV cache: whether later requests succeed is up to the executor.
 */
export const createGenerationEngine = (options: GenerationEngineOptions): GenerationEngine => {
  const loop = new EngineLoop(options)
  void loop.run()
  return loop
}

type OpenRequest = { readonly sequence: Sequence; readonly outputs: OutputQueue }

class EngineLoop implements GenerationEngine {
  readonly maxModelLen: number
  readonly vocabSize: number
  readonly #executor: ModelExecutor
  readonly #scheduler: Scheduler
  readonly #budget: TokenBudget
  readonly #stepInput = new StepInputBuilder()
  readonly #requests = new Map<string, OpenRequest>()
  readonly #work = new WakeSignal()
  readonly #eventLoop: EventLoopYield
  readonly #options: GenerationEngineOptions
  readonly #now: () => number
  readonly #runAhead: number
  /** Steps on the GPU, oldest first; each settles, never rejects, when it has been taken in. */
  readonly #inFlight: Promise<void>[] = []
  /** Counts failures: what was submitted before one is ignored when it arrives after. */
  #epoch = 0
  #isRecovering = false
  #isDisposed = false
  #numUnnamedRequests = 0
  #numPromptTokens = 0
  #numGeneratedTokens = 0
  #lastStepMs = 0

  constructor(options: GenerationEngineOptions) {
    const { maxNumSeqs = 8, maxNumBatchedTokens = 256, numBlocks } = options
    this.#options = options
    this.#executor = options.executor
    this.#now = options.now ?? (() => performance.now())
    this.#runAhead = options.runAhead ?? 2
    this.#eventLoop = options.eventLoop ?? createEventLoopYield()
    this.maxModelLen = Math.min(options.maxModelLen, numBlocks * blockSize)
    this.vocabSize = options.vocabSize
    this.#scheduler = new Scheduler({
      numBlocks,
      maxNumSeqs,
      maxNumBatchedTokens,
      eosTokenIds: new Set(options.eosTokenIds),
      enablePrefixCaching: options.enablePrefixCaching ?? true,
    })
    this.#budget = new TokenBudget({
      minTokens: Math.min(Math.max(blockSize, maxNumSeqs), maxNumBatchedTokens),
      maxTokens: maxNumBatchedTokens,
      targetStepMs: options.targetStepMs === undefined ? 30 : options.targetStepMs,
    })
  }

  addRequest(request: GenerationRequest): Generation {
    if (this.#isDisposed) throw disposedError()
    const requestId = request.requestId ?? this.#unusedRequestId()
    if (this.#requests.has(requestId)) {
      throw new EngineError(
        'invalid-request',
        `A request with the id ${requestId} is running. Use another id, or none.`,
      )
    }
    const sequence = createSequence(request, {
      requestId,
      maxModelLen: this.maxModelLen,
      vocabSize: this.vocabSize,
      random: this.#options.random ?? Math.random,
    })
    const abort = () => this.#abort(sequence)
    const outputs = new OutputQueue(abort)
    this.#scheduler.add(sequence)
    this.#requests.set(requestId, { sequence, outputs })
    this.#work.wake()
    return { requestId, abort, [Symbol.asyncIterator]: () => outputs[Symbol.asyncIterator]() }
  }

  stats(): EngineStats {
    return {
      ...describeEngine(this.#scheduler),
      numPromptTokens: this.#numPromptTokens,
      numGeneratedTokens: this.#numGeneratedTokens,
      lastStepMs: this.#lastStepMs,
      dispatchesPerStep: this.#executor.dispatchesPerStep,
      adapter: this.#executor.adapter,
    }
  }

  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#endAll(disposedError())
    this.#executor.dispose()
    this.#eventLoop.close()
    this.#work.wake()
  }

  #unusedRequestId(): string {
    this.#numUnnamedRequests += 1
    const requestId = `request-${this.#numUnnamedRequests}`
    return this.#requests.has(requestId) ? this.#unusedRequestId() : requestId
  }

  /** Submits steps as long as there is something to compute and room on the GPU's queue. */
  async run(): Promise<void> {
    while (!this.#isDisposed) {
      if (this.#step()) await this.#eventLoop.yieldToEventLoop()
      else await this.#work.sleep()
    }
  }

  /** Submits one step; false when there is none to submit now. */
  #step(): boolean {
    const numAllowed = this.#isRecovering ? 1 : this.#runAhead
    if (this.#inFlight.length >= numAllowed) return false
    const startedAt = this.#now()
    try {
      const scheduled = this.#scheduler.schedule(this.#budget.numTokens)
      if (scheduled === null) return false
      const stepInput = this.#stepInput.prepare(scheduled)
      const handle = this.#executor.execute(stepInput, summarizeStep(scheduled))
      this.#inFlight.push(this.#postprocess(scheduled, handle))
      this.#lastStepMs = this.#now() - startedAt
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /** Waits for a step's tokens, after those of the steps before it, and hands them out. */
  async #postprocess(scheduled: SchedulerOutput, handle: StepHandle): Promise<void> {
    const epoch = this.#epoch
    const submittedAt = this.#now()
    try {
      const [sampledTokenIds] = await Promise.all([
        handle.sampledTokenIds,
        this.#inFlight.at(-1) ?? null,
      ])
      if (epoch === this.#epoch) {
        this.#budget.record(scheduled.numTokens, submittedAt, this.#now())
        const sampled = this.#scheduler.update(scheduled, sampledTokenIds)
        for (const token of sampled) this.#deliver(token)
        if (this.#options.checkIntegrity === true) this.#scheduler.checkIntegrity()
      }
    } catch (error) {
      if (epoch === this.#epoch) this.#fail(error)
    }
    void this.#inFlight.shift()
    if (this.#inFlight.length === 0) this.#isRecovering = false
    this.#work.wake()
  }

  #deliver({ sequence, tokenId, stop }: SampledToken): void {
    if (sequence.numOutputTokens === 1) this.#numPromptTokens += sequence.numPromptTokens
    this.#numGeneratedTokens += 1
    this.#requests.get(sequence.requestId)?.outputs.push({
      newTokenIds: [tokenId],
      numCachedTokens: sequence.numCachedTokens ?? 0,
      finishReason: stop?.finishReason ?? null,
      stopTokenId: stop?.stopTokenId ?? null,
    })
    if (stop !== null) this.#requests.delete(sequence.requestId)
  }

  #abort(sequence: Sequence): void {
    if (sequence.status === 'finished') return
    this.#scheduler.abort(sequence)
    const output: GenerationOutput = {
      newTokenIds: [],
      numCachedTokens: sequence.numCachedTokens ?? 0,
      finishReason: 'abort',
      stopTokenId: null,
    }
    this.#requests.get(sequence.requestId)?.outputs.push(output)
    this.#requests.delete(sequence.requestId)
    this.#work.wake()
  }

  #fail(thrown: unknown): void {
    // Steps of before may still write the KV cache, so they must end before new ones start.
    this.#isRecovering = this.#inFlight.length > 0
    this.#endAll(EngineError.from(thrown))
  }

  /** Ends all requests with an error and forgets what is on the GPU. */
  #endAll(error: EngineError): void {
    this.#epoch += 1
    this.#scheduler.reset()
    for (const { outputs } of this.#requests.values()) outputs.fail(error)
    this.#requests.clear()
  }
}

const disposedError = (): EngineError =>
  new EngineError('disposed', 'The engine was disposed. Create a new one.')
