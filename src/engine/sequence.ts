import type { SamplingParams } from './sampling-params.ts'

export type SequenceStatus = 'waiting' | 'running' | 'finished'

export type SequenceOptions = {
  readonly requestId: string
  readonly promptTokenIds: readonly number[]
  readonly samplingParams: SamplingParams
  /** The sampler's seed as two u32: low, high. */
  readonly seed: readonly [number, number]
  readonly cacheSalt: string | null
  /** Longest prompt and output together that the engine allows. */
  readonly maxModelLen: number
}

/**
 * One request's tokens and its place in the engine.
 *
 * Lengths run ahead of knowledge: `numTokens` counts tokens that a submitted step draws, though
 * their ids (`numPendingTokens` of them, always the last) are still on the GPU; and
 * `numComputedTokens` counts tokens whose KV a submitted step writes.
 */
export class Sequence {
  readonly requestId: string
  readonly samplingParams: SamplingParams
  readonly seed: readonly [number, number]
  readonly cacheSalt: string | null
  readonly numPromptTokens: number
  /** The sequence ends at this length at the latest. */
  readonly maxNumTokens: number
  /** Prompt and output ids known on the host. */
  readonly tokenIds: number[]
  /** KV blocks in order of position; grows only at its end until the sequence is freed. */
  readonly blockTable: number[] = []
  status: SequenceStatus = 'waiting'
  /** The row of per-sequence GPU state that a running sequence owns, in [0, maxNumSeqs). */
  slot: number | null = null
  numComputedTokens = 0
  numPendingTokens = 0
  /** Prompt tokens found in the prefix cache at the first admission; null before it. */
  numCachedTokens: number | null = null
  /** The last step that writes this sequence's blocks; 0 before the first. */
  lastStepId = 0

  constructor(options: SequenceOptions) {
    const { promptTokenIds, samplingParams, maxModelLen } = options
    this.requestId = options.requestId
    this.samplingParams = samplingParams
    this.seed = options.seed
    this.cacheSalt = options.cacheSalt
    this.tokenIds = [...promptTokenIds]
    this.numPromptTokens = promptTokenIds.length
    this.maxNumTokens = Math.min(
      promptTokenIds.length + (samplingParams.maxTokens ?? maxModelLen),
      maxModelLen,
    )
  }

  get numTokens(): number {
    return this.tokenIds.length + this.numPendingTokens
  }

  get numOutputTokens(): number {
    return this.tokenIds.length - this.numPromptTokens
  }

  /** Whether submitted steps already draw the last token that this sequence may have. */
  get isFullyScheduled(): boolean {
    return this.numTokens >= this.maxNumTokens
  }

  /** Takes in the oldest token that was drawn but not known. */
  appendSampledToken(tokenId: number): void {
    this.tokenIds.push(tokenId)
    this.numPendingTokens -= 1
  }
}
