import type { SamplingParams } from './sampling-params.ts'

/** Why a request ended. `stop` covers end-of-sequence and stop ids. */
export type FinishReason = 'stop' | 'length' | 'abort'

/** What one or more engine steps added to a request. */
export type GenerationOutput = {
  /** The ids generated since the last output, the ending id included. */
  readonly newTokenIds: readonly number[]
  /** Prompt tokens whose KV came from the prefix cache. */
  readonly numCachedTokens: number
  /** Set on the last output alone. */
  readonly finishReason: FinishReason | null
  /** The id out of `stopTokenIds` that ended the request; null for any other end. */
  readonly stopTokenId: number | null
}

/** A running request: iterate it for its outputs, once. Leaving the loop early aborts it. */
export type Generation = AsyncIterable<GenerationOutput> & {
  readonly requestId: string
  /** Ends the request now and frees its blocks. Safe to call at any time, more than once. */
  abort(): void
}

export type GenerationRequest = {
  readonly promptTokenIds: readonly number[]
  readonly samplingParams: Partial<SamplingParams>
  readonly requestId?: string
  /** Requests with another salt share no cached prefix with this one. */
  readonly cacheSalt?: string
}

/** A snapshot of the engine for panels and metrics. */
export type EngineStats = {
  readonly numRunning: number
  readonly numWaiting: number
  readonly blockSize: number
  readonly numBlocks: number
  readonly numFreeBlocks: number
  /** One entry a KV block: the requests holding it; empty with a hash is cached, else free. */
  readonly blocks: readonly { readonly requestIds: readonly string[]; readonly cached: boolean }[]
  readonly requests: readonly {
    readonly requestId: string
    readonly status: 'waiting' | 'running'
    readonly numPromptTokens: number
    readonly numComputedTokens: number
    readonly numOutputTokens: number
    readonly numBlocks: number
  }[]
  readonly numSteps: number
  readonly numPreemptions: number
  readonly numPromptTokens: number
  readonly numGeneratedTokens: number
  readonly prefixCacheQueriedTokens: number
  readonly prefixCacheHitTokens: number
  /** Milliseconds of JavaScript in the last step, the GPU's work apart. */
  readonly lastStepMs: number
  readonly dispatchesPerStep: number
  readonly adapter: string
}

/** The engine as the server sees it: token ids in, token ids out. */
export type GenerationEngine = {
  readonly maxModelLen: number
  readonly vocabSize: number
  /**
   * Queues a request.
   *
   * @throws EngineError `invalid-request` for parameters out of range or an id outside the
   * vocabulary, `context-length-exceeded` for a prompt that leaves no room for one token,
   * `disposed` after dispose.
   */
  addRequest(request: GenerationRequest): Generation
  stats(): EngineStats
  dispose(): void
}
