import { EngineError } from '../errors.ts'
import { blockSize } from './block-manager.ts'
import { createEventLoopYield, type EventLoopYield, WakeSignal } from './event-loop.ts'
import { describeEngine } from './engine-stats.ts'
import type {
  EngineStats,
  FinishReason,
  Generation,
  GenerationEngine,
  GenerationRequest,
} from './generation.ts'
import type { ModelExecutor, SamplingInput, StepHandle } from './model-executor.ts'
import { OpenRequests } from './open-requests.ts'
import { LossLimit } from './loss-limit.ts'
import { createSequence } from './request.ts'
import { Scheduler } from './scheduler.ts'
import type { SchedulerOutput } from './scheduler-output.ts'
import type { Sequence } from './sequence.ts'
import { samplesLate, StepInputBuilder, summarizeStep } from './step-input.ts'
import { TokenBudget } from './token-budget.ts'

export type GenerationEngineOptions = {
  readonly executor: ModelExecutor
  /** Longest prompt and output together; lowered to what the KV cache holds. */
  readonly maxModelLen: number
  readonly vocabSize: number
  /** The first is the one that answers are expected to end with. */
  readonly eosTokenIds: readonly number[]
  /** KV blocks of 16 tokens that the executor has. */
  readonly numBlocks: number
  /**
   * Makes a new executor in the place of one that failed with `device-lost` or `out-of-memory`, in
   * the second case with fewer blocks than the one before had. Without it a failure ends all requests.
   */
  readonly rebuild?: (
    cause: EngineError,
    numBlocks: number,
  ) => Promise<{ readonly executor: ModelExecutor; readonly numBlocks: number }>
  /** Most sequences that run together, and the number of slots on the GPU. Default 8. */
  readonly maxNumSeqs?: number
  /** Most tokens a step computes. Default 256. */
  readonly maxNumBatchedTokens?: number
  /**
   * Sample rows that the executor has beyond one for each sequence, for drafts and the log
   * probabilities of prompts. Default 16.
   */
  readonly numExtraSamples?: number
  /** N-gram speculation with drafts of so many tokens; null for none. Default null. */
  readonly speculation?: { readonly numSpeculativeTokens: number } | null
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

/** Sample rows beyond one a sequence, unless the options say otherwise. */
export const defaultNumExtraSamples = 16

/**
 * Builds the engine around an executor, which it then owns, and starts its loop.
 *
 * When the GPU's device is lost or out of memory and there is a `rebuild`, all requests are preempted
 * and go on with the new executor, with the tokens that they would have had. Any other failure ends
 * the requests that are open with its error; the engine then starts over with an empty KV cache, and
 * whether later requests succeed is up to the executor.
 */
export const createGenerationEngine = (options: GenerationEngineOptions): GenerationEngine => {
  const loop = new EngineLoop(options)
  void loop.run()
  return loop
}

class EngineLoop implements GenerationEngine {
  readonly maxModelLen: number
  readonly vocabSize: number
  readonly #eosTokenIds: ReadonlySet<number>
  #executor: ModelExecutor
  readonly #scheduler: Scheduler
  readonly #budget: TokenBudget
  readonly #stepInput = new StepInputBuilder()
  readonly #requests: OpenRequests
  readonly #work = new WakeSignal()
  readonly #eventLoop: EventLoopYield
  readonly #options: GenerationEngineOptions
  readonly #now: () => number
  readonly #runAhead: number
  /** Steps on the GPU, oldest first; each settles, never rejects, when it has been taken in. */
  readonly #inFlight: Promise<void>[] = []
  /** Counts failures: what was submitted before one is ignored when it arrives after. */
  #epoch = 0
  /** What failed steps left behind on the GPU is still running. */
  #isDraining = false
  #isRebuilding = false
  /** The step submitted last is not known in full yet, so none may follow it. */
  #isSampling = false
  #isDisposed = false
  /** Why the engine stopped for good. */
  #stopped: EngineError | null = null
  readonly #losses: LossLimit
  #numOverlappedSteps = 0
  #lastStepMs = 0

  constructor(options: GenerationEngineOptions) {
    const { maxNumSeqs = 8, maxNumBatchedTokens = 256, numBlocks } = options
    this.#options = options
    this.#executor = options.executor
    this.#eosTokenIds = new Set(options.eosTokenIds)
    this.#losses = new LossLimit()
    this.#now = options.now ?? (() => performance.now())
    this.#requests = new OpenRequests(this.#now)
    this.#runAhead = options.runAhead ?? 2
    this.#eventLoop = options.eventLoop ?? createEventLoopYield()
    this.maxModelLen = Math.min(options.maxModelLen, numBlocks * blockSize)
    this.vocabSize = options.vocabSize
    this.#scheduler = new Scheduler({
      numBlocks,
      maxNumSeqs,
      maxNumBatchedTokens,
      numExtraSamples: options.numExtraSamples ?? defaultNumExtraSamples,
      eosTokenIds: this.#eosTokenIds,
      enablePrefixCaching: options.enablePrefixCaching ?? true,
    })
    this.#budget = new TokenBudget({
      minTokens: Math.min(Math.max(blockSize, maxNumSeqs), maxNumBatchedTokens),
      maxTokens: maxNumBatchedTokens,
      targetStepMs: options.targetStepMs === undefined ? 30 : options.targetStepMs,
    })
    this.#watch(this.#executor)
  }

  addRequest(request: GenerationRequest): Generation {
    if (this.#isDisposed) throw disposedError()
    if (this.#stopped !== null) throw this.#stopped
    const requestId = request.requestId ?? this.#requests.unusedId()
    this.#requests.checkUnused(requestId)
    const sequence = createSequence(request, {
      requestId,
      maxModelLen: this.maxModelLen,
      vocabSize: this.vocabSize,
      eosTokenIds: this.#eosTokenIds,
      numSpeculativeTokens: this.#options.speculation?.numSpeculativeTokens ?? 0,
      random: this.#options.random ?? Math.random,
    })
    const abort = () => this.#endEarly(sequence, 'abort')
    const finish = () => this.#endEarly(sequence, 'stop')
    this.#scheduler.add(sequence)
    const outputs = this.#requests.add(sequence, abort)
    this.#work.wake()
    return {
      requestId,
      abort,
      finish,
      [Symbol.asyncIterator]: () => outputs[Symbol.asyncIterator](),
    }
  }

  stats(): EngineStats {
    return {
      ...describeEngine(this.#scheduler),
      ...this.#requests.totals(),
      numDeviceLosses: this.#losses.total,
      numOverlappedSteps: this.#numOverlappedSteps,
      lastStepMs: this.#lastStepMs,
      dispatchesPerStep: this.#executor.dispatchesPerStep,
      adapter: this.#executor.adapter,
    }
  }

  resetPrefixCache(): boolean {
    return this.#scheduler.blocks.resetPrefixCache()
  }

  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#endAll(disposedError())
    this.#executor.dispose()
    this.#eventLoop.close()
    this.#work.wake()
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
    const numAllowed = this.#isDraining ? 1 : this.#runAhead
    if (this.#isRebuilding || this.#isSampling || this.#inFlight.length >= numAllowed) return false
    const startedAt = this.#now()
    try {
      const scheduled = this.#scheduler.schedule(this.#budget.numTokens)
      if (scheduled === null) return false
      const stepInput = this.#stepInput.prepare(scheduled)
      const sampling = samplesLate(scheduled) ? this.#findSampling(scheduled) : undefined
      const handle = this.#executor.execute(stepInput, summarizeStep(scheduled), sampling)
      if (sampling) this.#holdUntil(sampling)
      if (this.#inFlight.length > 0) this.#numOverlappedSteps += 1
      this.#inFlight.push(this.#postprocess(scheduled, handle))
      for (const { sequence } of scheduled.sequences) this.#requests.started(sequence, startedAt)
      this.#lastStepMs = this.#now() - startedAt
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /**
   * How the tokens of a step are drawn, as soon as those of the steps before it are known. Never rejects:
   * a request whose mask fails ends by itself.
   */
  async #findSampling({ sequences }: SchedulerOutput): Promise<SamplingInput> {
    const epoch = this.#epoch
    await this.#inFlight.at(-1)
    const masks = new Map<Sequence, Uint32Array | null>()
    const askMask = async (sequence: Sequence) => {
      try {
        masks.set(sequence, (await sequence.adjustments?.askMask(sequence.tokenIds)) ?? null)
      } catch (error) {
        if (epoch === this.#epoch) this.#failOne(sequence, EngineError.from(error))
      }
    }
    const drawing = sequences.filter(
      ({ draws, sequence }) => draws && sequence.status === 'running',
    )
    await Promise.all(drawing.map(({ sequence }) => askMask(sequence)))
    return this.#stepInput.prepareSampling(masks)
  }

  /** The executor, which waits for it too, has had its turn by then. */
  #holdUntil(sampling: Promise<SamplingInput>): void {
    this.#isSampling = true
    void sampling.then(() => {
      this.#isSampling = false
      this.#work.wake()
    })
  }

  /** Waits for a step's tokens, after those of the steps before it, and hands them out. */
  async #postprocess(scheduled: SchedulerOutput, handle: StepHandle): Promise<void> {
    const epoch = this.#epoch
    const submittedAt = this.#now()
    try {
      const [result] = await Promise.all([handle.result, this.#inFlight.at(-1) ?? null])
      if (epoch === this.#epoch) {
        this.#budget.record(scheduled.numTokens, submittedAt, this.#now())
        this.#requests.deliver(this.#scheduler.update(scheduled, result))
        if (this.#options.checkIntegrity === true) this.#scheduler.checkIntegrity()
      }
    } catch (error) {
      if (epoch === this.#epoch) this.#fail(error)
    }
    void this.#inFlight.shift()
    if (this.#inFlight.length === 0) this.#isDraining = false
    this.#work.wake()
  }

  #endEarly(sequence: Sequence, finishReason: FinishReason): void {
    if (sequence.status === 'finished') return
    this.#scheduler.abort(sequence)
    this.#requests.end(sequence, finishReason)
    this.#work.wake()
  }

  /** Notices a device that is lost while no step is under way. */
  #watch(executor: ModelExecutor): void {
    void executor.failed.then((error) => {
      if (executor === this.#executor && !this.#isRebuilding && !this.#isDisposed) this.#fail(error)
    })
  }

  #fail(thrown: unknown): void {
    const error = EngineError.from(thrown)
    this.#epoch += 1
    if (this.#options.rebuild && isLoss(error)) {
      void this.#rebuild(error, this.#options.rebuild)
      return
    }
    // Steps of before may still write the KV cache, so they must end before new ones start.
    this.#isDraining = this.#inFlight.length > 0
    this.#endAll(error)
  }

  /** Carries all requests over to a new executor, on which they go on as after a preemption. */
  async #rebuild(
    cause: EngineError,
    rebuild: NonNullable<GenerationEngineOptions['rebuild']>,
  ): Promise<void> {
    this.#isRebuilding = true
    const { numBlocks } = this.#scheduler.blocks
    this.#scheduler.preemptAll(numBlocks)
    this.#executor.dispose()
    try {
      this.#losses.record(cause, this.#now())
      const replacement = await rebuild(cause, numBlocks)
      if (this.#isDisposed) return replacement.executor.dispose()
      this.#executor = replacement.executor
      for (const sequence of this.#scheduler.preemptAll(replacement.numBlocks)) {
        this.#failOne(sequence, tooFewBlocks(sequence, replacement.numBlocks))
      }
      this.#isRebuilding = false
      this.#watch(replacement.executor)
      this.#work.wake()
    } catch (error) {
      this.#stopped = EngineError.from(error)
      this.#endAll(this.#stopped)
    }
  }

  #failOne(sequence: Sequence, error: EngineError): void {
    this.#scheduler.abort(sequence)
    this.#requests.fail(sequence, error)
  }

  /** Ends all requests with an error and forgets what is on the GPU. */
  #endAll(error: EngineError): void {
    this.#epoch += 1
    this.#scheduler.reset()
    this.#requests.failAll(error)
  }
}

const isLoss = ({ code }: EngineError): boolean =>
  code === 'device-lost' || code === 'out-of-memory'

const tooFewBlocks = ({ maxNumTokens }: Sequence, numBlocks: number): EngineError =>
  new EngineError(
    'out-of-memory',
    `The GPU ran out of memory, and the ${numBlocks} KV blocks that are left hold ` +
      `${numBlocks * blockSize} tokens, but this request may grow to ${maxNumTokens}. ` +
      'Lower max_tokens, or close other pages that use the GPU.',
  )

const disposedError = (): EngineError =>
  new EngineError('disposed', 'The engine was disposed. Create a new one.')
