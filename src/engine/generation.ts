import type { SamplingParams } from './sampling-params.ts'

/** Why a request ended. `stop` covers end-of-sequence and stop ids. */
export type FinishReason = 'stop' | 'length' | 'abort'

/** The log probability of a token and of others in its place, natural logarithms. */
export type TokenLogprobs = {
  readonly tokenId: number
  readonly logprob: number
  /** 1 for the most likely token; how many tokens are at least as likely. */
  readonly rank: number
  /** Most likely first, as many as were asked for; or the ids asked for, in their order. */
  readonly top: readonly { readonly tokenId: number; readonly logprob: number }[]
}

/** What one or more engine steps added to a request. */
export type GenerationOutput = {
  /** The ids generated since the last output, the ending id included. */
  readonly newTokenIds: readonly number[]
  /** One entry a new token; null unless asked for. */
  readonly logprobs: readonly TokenLogprobs[] | null
  /** One entry a prompt token, null for the first; on the first output alone, if asked for. */
  readonly promptLogprobs: readonly (TokenLogprobs | null)[] | null
  /** Prompt tokens whose KV came from the prefix cache. */
  readonly numCachedTokens: number
  /** Set on the last output alone. */
  readonly finishReason: FinishReason | null
  /**
   * The id that ended the request, out of `stopTokenIds` or of those that end a text, the first of which
   * tells nothing; null for any other end.
   */
  readonly stopTokenId: number | null
}

/** A running request: iterate it for its outputs, once. Leaving the loop early aborts it. */
export type Generation = AsyncIterable<GenerationOutput> & {
  readonly requestId: string
  /** Ends the request now and frees its blocks. Safe to call at any time, more than once. */
  abort(): void
  /** The same for one whose answer is complete, as its reader has seen: it counts as `stop`. */
  finish(): void
}

export type GenerationRequest = {
  readonly promptTokenIds: readonly number[]
  readonly samplingParams: Partial<SamplingParams>
  readonly requestId?: string
  /** Requests with another salt share no cached prefix with this one. */
  readonly cacheSalt?: string
  /** Lower numbers are served first, equal ones in order of arrival. Default 0. */
  readonly priority?: number
  /**
   * Narrows what may be drawn next: given the output so far, a bit for each token id (word
   * `id >> 5`, bit `id & 31`) that is set where the id is allowed, or null to allow all. Called as soon
   * as all tokens before are known, while the GPU is on its way to the next one's logits; the words are
   * copied before the next call. A failure ends this request alone.
   */
  readonly tokenMask?: (outputTokenIds: readonly number[]) => Promise<Uint32Array | null>
  /**
   * How many tokens after `outputTokenIds` may be any, whatever they turn out to be: for those
   * `tokenMask` is not called. Without it each token is drawn once the one before is known.
   */
  readonly numUnmasked?: (outputTokenIds: readonly number[]) => number
}

/** A distribution of seconds, or of tokens. */
export type HistogramSnapshot = {
  /** Upper bounds, inclusive, ascending; above the last is an implied infinite bucket. */
  readonly bounds: readonly number[]
  /** Observations in each bucket, the infinite one last; not cumulative. */
  readonly counts: readonly number[]
  readonly sum: number
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
  /** Steps that were submitted while the one before was still on the GPU, which thus never idled. */
  readonly numOverlappedSteps: number
  readonly numPreemptions: number
  readonly numPromptTokens: number
  readonly numGeneratedTokens: number
  /** Requests that ended, by reason; errors are left out. */
  readonly numFinished: Readonly<Record<FinishReason, number>>
  /** Arrival to first token, in seconds. */
  readonly timeToFirstToken: HistogramSnapshot
  /** Between two tokens of a request, in seconds. */
  readonly interTokenLatency: HistogramSnapshot
  /** Arrival to last token, in seconds. */
  readonly requestLatency: HistogramSnapshot
  /** Arrival to first step, in seconds. */
  readonly queueTime: HistogramSnapshot
  /** First step to first token, in seconds. */
  readonly prefillTime: HistogramSnapshot
  /** First token to last token, in seconds; per token behind the first it is `timePerOutputToken`. */
  readonly decodeTime: HistogramSnapshot
  /** First step to last token, in seconds. */
  readonly inferenceTime: HistogramSnapshot
  readonly timePerOutputToken: HistogramSnapshot
  /** Tokens of each request that ended. */
  readonly requestPromptTokens: HistogramSnapshot
  readonly requestGenerationTokens: HistogramSnapshot
  readonly prefixCacheQueriedTokens: number
  readonly prefixCacheHitTokens: number
  /** N-gram speculation: drafts, and their tokens proposed to the model and found right by it. */
  readonly numDrafts: number
  readonly numDraftTokens: number
  readonly numAcceptedTokens: number
  /** Times that the GPU device was lost, or out of memory, and its executor replaced. */
  readonly numDeviceLosses: number
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
  /** Forgets all cached prefixes; false, with nothing changed, while requests hold blocks. */
  resetPrefixCache(): boolean
  dispose(): void
}
