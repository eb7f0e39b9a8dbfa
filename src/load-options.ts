import type { SamplingParams } from './engine/sampling-params.ts'
import type { LocalModel } from './storage/local-files.ts'

/** What may become of weights on their way to the GPU. */
export type WeightQuantization = 'stored' | 'none' | 'q8' | 'q4'

/** How a model is loaded and served. Every field but `model` has a default. */
export type LoadOptions = {
  /**
   * A Hugging Face repository (`owner/name`, `owner/name@revision`), the URL of a folder or of a GGUF
   * file, or a folder or GGUF file that the user has picked.
   */
  readonly model: string | LocalModel
  /** The name that requests use; `model`, or the name of the folder or file, unless given. */
  readonly servedModelName?: string
  /** Relative `model` URLs are resolved against this; the page's address in a page. */
  readonly baseURL?: string
  /** Where repositories are looked up; the Hugging Face hub unless given. */
  readonly hubURL?: string
  /**
   * How weights lie on the GPU. `stored`: as precise as the files have them, those that are quantised
   * there as they are. `none`: not quantised at all. `q8`, `q4`: cut down while they load, in blocks of
   * 32. `auto`, the default: the first of `stored`, `q8` and `q4` that fits `memoryBudget`.
   */
  readonly quantization?: 'auto' | WeightQuantization
  /**
   * Bytes of GPU memory that the model may take: weights, KV cache and scratch. A model that needs more
   * is refused before its weights are fetched, with the choices that fit. WebGPU does not tell how much
   * a GPU has or has free, so the default is a guess: half of the memory that the browser says the
   * machine has (`navigator.deviceMemory`), and 4 GiB where it says nothing.
   */
  readonly memoryBudget?: number
  /** Weights that are not quantised: `auto` keeps f32 files f32 and all else f16. */
  readonly dtype?: 'auto' | 'f32' | 'f16'
  /** Element type of the KV cache. Default `f16`. */
  readonly kvCacheDtype?: 'f32' | 'f16'
  /**
   * Bytes for the KV cache at most; less where `memoryBudget` leaves less. Default 256 MiB, or what
   * `maxModelLen` takes where that is more.
   */
  readonly kvCacheBytes?: number
  /**
   * Longest prompt and answer together, in tokens. What the model, the KV cache or `memoryBudget` has no
   * room for is refused. Unless given as long as all of them allow, and with long RoPE the original
   * length, which it serves best. Of a model that embeds the longest text, at most 4096 unless given,
   * since a step holds whole texts.
   */
  readonly maxModelLen?: number
  /** Requests that run at the same time, 1 to 32. Default 8, and 32 for a model that embeds. */
  readonly maxNumSeqs?: number
  /** Rows of one step at most. Default 256; for a model that embeds, as many as its longest text. */
  readonly maxNumBatchedTokens?: number
  readonly enablePrefixCaching?: boolean
  /**
   * N-gram speculation: drafts of up to so many tokens are looked up in the text so far and verified
   * in one step, while that pays for the request at hand. Null for none. The tokens are the same
   * either way. Default 4, and none on CPU adapters, where each verified token costs its full time.
   */
  readonly speculation?: { readonly numSpeculativeTokens: number } | null
  /**
   * Lengths to which a request's `dimensions` may cut the vectors of a model that embeds: `any`, or those
   * listed. By vLLM's rule config.json's `matryoshka_dimensions` and `is_matryoshka` say so unless given;
   * most models that were trained for it have neither.
   */
  readonly matryoshkaDimensions?: 'any' | readonly number[]
  /** Form of the kernels' reductions; chosen for the adapter unless given. */
  readonly reduction?: 'none' | 'workgroup' | 'subgroup'
  /** vLLM's parser names; chosen by architecture, template and vocabulary unless given, null for none. */
  readonly toolParser?: string | null
  readonly reasoningParser?: string | null
  /** Tokens that end an answer, as the vocabulary spells them, instead of those that the model names. */
  readonly stopTokens?: readonly string[]
  /** Sampling where a request says nothing; they win over generation_config.json. */
  readonly defaultSamplingParams?: Partial<SamplingParams>
  /**
   * Keep the responses of `/v1/responses`, so that later ones can go on with them by their ids, and let
   * them run in the background: vLLM's VLLM_ENABLE_RESPONSES_API_STORE. Default false.
   */
  readonly enableResponsesStore?: boolean
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
