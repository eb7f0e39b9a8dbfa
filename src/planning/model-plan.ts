import type { LoadOptions, WeightQuantization } from '../load-options.ts'

/** Options that would make a model fit, and what it would then take. */
export type PlanChoice = {
  readonly options: Pick<
    LoadOptions,
    'quantization' | 'maxModelLen' | 'maxNumSeqs' | 'maxNumBatchedTokens' | 'memoryBudget'
  >
  /** Bytes at least, as `ModelPlan.neededBytes`. */
  readonly neededBytes: number
}

/** What a model will take of the GPU and of the network, known before a weight is fetched. */
export type ModelPlan = {
  /** The name that it will be served under. */
  readonly model: string
  /** config.json's `architectures[0]`. */
  readonly architecture: string
  readonly numParameters: number
  /** What becomes of the weights: `auto` has been decided. */
  readonly quantization: WeightQuantization
  /** Longest prompt and answer together, in tokens, that was asked for and the KV cache has room for. */
  readonly maxModelLen: number
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
  /** Bytes of the weights on the GPU. */
  readonly weightBytes: number
  /** The same for each choice of `quantization`. */
  readonly weightBytesBy: Readonly<Record<WeightQuantization, number>>
  /** No blocks for a model that embeds. */
  readonly kvCache: {
    readonly bytesPerToken: number
    /** Blocks of `blockSize` tokens. */
    readonly numBlocks: number
    readonly blockSize: number
    readonly bytes: number
  }
  /** Bytes of all other buffers: activations, logits, tables, the step's numbers, staging. */
  readonly scratchBytes: number
  /** Weights, scratch and KV cache. */
  readonly totalBytes: number
  /** Weights, scratch and the smallest KV cache that is of use. */
  readonly neededBytes: number
  readonly memoryBudget: number
  /** The tensor that takes most of the GPU's memory. It is cut where the adapter can't bind it. */
  readonly largestTensor: { readonly name: string; readonly bytes: number }
  /** The adapter's limits that sizes run into, in bytes. */
  readonly limits: {
    readonly maxBufferSize: number
    readonly maxStorageBufferBindingSize: number
  }
  readonly download: {
    /** Of all files; null where the server does not tell, 0 for a model on the user's disk. */
    readonly totalBytes: number | null
    /** Of these, bytes that are stored already. */
    readonly presentBytes: number
  }
  /** `neededBytes` are within `memoryBudget`. */
  readonly fits: boolean
  /** Where it does not fit: what does, the least loss first. */
  readonly choices: readonly PlanChoice[]
  /** All this for people. */
  readonly text: string
}
