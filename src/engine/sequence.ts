import type { TokenLogprobs } from './generation.ts'
import type { LogitAdjustments } from './logit-adjustments.ts'
import type { SamplingParams } from './sampling-params.ts'
import type { Speculation } from './speculation.ts'

export type SequenceStatus = 'waiting' | 'running' | 'finished'

export type SequenceOptions = {
  readonly requestId: string
  readonly promptTokenIds: readonly number[]
  readonly samplingParams: SamplingParams
  /** The sampler's seed as two u32: low, high. */
  readonly seed: readonly [number, number]
  readonly cacheSalt: string | null
  /** Lower numbers go first. */
  readonly priority: number
  readonly adjustments: LogitAdjustments | null
  /** Null for a sequence that never speculates. */
  readonly speculation: Speculation | null
  /** Longest prompt and output together that the engine allows. */
  readonly maxModelLen: number
}

/**
 * One request's tokens and its place in the engine.
 *
 * Lengths run ahead of knowledge: `numTokens` counts tokens that a submitted step draws, though
 * their ids (`numPendingTokens` of them, always the last) are still on the GPU; a step that verifies
 * a draft counts as one, though it may bring more; and
 * `numComputedTokens` counts tokens whose KV a submitted step writes.
 */
export class Sequence {
  readonly requestId: string
  readonly samplingParams: SamplingParams
  readonly seed: readonly [number, number]
  readonly cacheSalt: string | null
  readonly priority: number
  readonly adjustments: LogitAdjustments | null
  readonly speculation: Speculation | null
  readonly numPromptTokens: number
  /** The sequence ends at this length at the latest. */
  readonly maxNumTokens: number
  /** Prompt and output ids known on the host. */
  readonly tokenIds: number[]
  /** KV blocks in order of position; grows only at its end until the sequence is freed. */
  readonly blockTable: number[] = []
  /** One entry a prompt token as they come in, null for the first; null when not asked for. */
  readonly promptLogprobs: (TokenLogprobs | null)[] | null
  status: SequenceStatus = 'waiting'
  /** 0, 1, 2, ... in the order in which the scheduler got its sequences. */
  arrival = 0
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
    this.priority = options.priority
    this.adjustments = options.adjustments
    this.speculation = options.speculation
    this.promptLogprobs = samplingParams.promptLogprobs === null ? null : [null]
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

  /** Whether the next token's step can't be made before more tokens are known: to guess what follows. */
  get waitsForTokens(): boolean {
    return this.numPendingTokens > 0 && this.speculation?.isOn === true
  }

  /** Whether one row, in the next step, suffices to draw the next token. */
  get isReadyToDecode(): boolean {
    const numMissing = this.numTokens - this.numComputedTokens
    return numMissing === 1 && !this.isFullyScheduled && !this.waitsForTokens
  }

  /** Whether log probabilities of prompt tokens are still to be computed. */
  get lacksPromptLogprobs(): boolean {
    return this.promptLogprobs !== null && this.promptLogprobs.length < this.numPromptTokens
  }

  /** Takes in a token that was drawn. */
  appendToken(tokenId: number): void {
    this.tokenIds.push(tokenId)
    this.adjustments?.observe(tokenId)
    this.speculation?.observe(this.tokenIds)
  }
}
