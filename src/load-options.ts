import type { SamplingParams } from './engine/sampling-params.ts'

/** How a model is loaded and served. Every field but `model` has a default. */
export type LoadOptions = {
  /** A Hugging Face repository (`owner/name`, `owner/name@revision`) or the URL of a folder. */
  readonly model: string
  /** The name that requests use; `model` unless given. */
  readonly servedModelName?: string
  /** Relative `model` URLs are resolved against this; the page's address in a page. */
  readonly baseURL?: string
  /** Where repositories are looked up; the Hugging Face hub unless given. */
  readonly hubURL?: string
  /** Weights are cut down while they load: `q8` and `q4` in blocks of 32. Default `none`. */
  readonly quantization?: 'none' | 'q8' | 'q4'
  /** Weights that are not quantised: `auto` keeps f32 files f32 and all else f16. */
  readonly dtype?: 'auto' | 'f32' | 'f16'
  /** Element type of the KV cache. Default `f16`. */
  readonly kvCacheDtype?: 'f32' | 'f16'
  /** Bytes for the KV cache at most. Default 256 MiB. */
  readonly kvCacheBytes?: number
  /** Longest prompt and answer together, in tokens; the model's own limit unless given. */
  readonly maxModelLen?: number
  /** Requests that run at the same time, 1 to 32. Default 8. */
  readonly maxNumSeqs?: number
  /** Rows of one step at most. Default 256. */
  readonly maxNumBatchedTokens?: number
  readonly enablePrefixCaching?: boolean
  /**
   * N-gram speculation: drafts of up to so many tokens are looked up in the text so far and verified
   * in one step, while that pays for the request at hand. Null for none. The tokens are the same
   * either way. Default 4, and none on CPU adapters, where each verified token costs its full time.
   */
  readonly speculation?: { readonly numSpeculativeTokens: number } | null
  /** Form of the kernels' reductions; chosen for the adapter unless given. */
  readonly reduction?: 'none' | 'workgroup' | 'subgroup'
  /** vLLM's parser names; chosen from the chat template unless given, null for none. */
  readonly toolParser?: string | null
  readonly reasoningParser?: string | null
  /** Sampling where a request says nothing; they win over generation_config.json. */
  readonly defaultSamplingParams?: Partial<SamplingParams>
  /** Check the block manager after every step. For tests. */
  readonly checkIntegrity?: boolean
}

export type LoadProgress = {
  readonly phase: 'download' | 'weights' | 'compile' | 'ready'
  /** Bytes in `download` and `weights`, otherwise steps. */
  readonly loaded: number
  readonly total: number
  readonly file?: string
  /** One line for people. */
  readonly text: string
}
