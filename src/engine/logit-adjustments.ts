import { EngineError } from '../errors.ts'
import type { GenerationRequest } from './generation.ts'
import { maxAdjustedTokenIds, type SamplingParams } from './sampling-params.ts'
import { adjustmentLength, inPromptFlag } from './step-input-layout.ts'

export type LogitAdjustmentsOptions = {
  readonly samplingParams: SamplingParams
  readonly promptTokenIds: readonly number[]
  readonly eosTokenIds: ReadonlySet<number>
  readonly vocabSize: number
  readonly tokenMask: NonNullable<GenerationRequest['tokenMask']> | null
  readonly numUnmasked?: GenerationRequest['numUnmasked'] | null
}

/** Where a row's adjustments go in a step's input; `f32` lies over the same memory as `u32`. */
export type StepWords = { readonly u32: Uint32Array; readonly f32: Float32Array }

const hasPenalties = ({ repetitionPenalty, presencePenalty, frequencyPenalty }: SamplingParams) =>
  repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0

/**
 * What one request changes about its logits before a token is drawn: biases, bans, the allowed ids
 * and the occurrences that penalties count. The GPU keeps none of it, so a preempted sequence, or one
 * whose device was lost, goes on without further ado.
 */
export class LogitAdjustments {
  /** Most tokens still on the GPU with which the next one's adjustments can be told, its mask apart. */
  readonly #maxPendingTokens: number
  readonly #params: SamplingParams
  readonly #numPromptTokens: number
  /** Ids that end the request, banned until `minTokens` were drawn. */
  readonly #endTokenIds: ReadonlySet<number>
  readonly #tokenMask: LogitAdjustmentsOptions['tokenMask']
  readonly #numUnmasked: (outputTokenIds: readonly number[]) => number
  readonly #allowed: Uint32Array | null
  readonly #maskLength: number
  readonly #counts: boolean
  /** Entries as the GPU reads them, and which entry an id has. */
  readonly #ids: number[] = []
  readonly #biases: number[] = []
  readonly #occurrences: number[] = []
  readonly #entryOf = new Map<number, number>()

  private constructor(options: LogitAdjustmentsOptions) {
    const { samplingParams, promptTokenIds, eosTokenIds, vocabSize, tokenMask } = options
    const { badWordsTokenIds, allowedTokenIds, stopTokenIds, minTokens } = samplingParams
    this.#params = samplingParams
    this.#numPromptTokens = promptTokenIds.length
    this.#endTokenIds = new Set(minTokens > 0 ? [...eosTokenIds, ...stopTokenIds] : [])
    this.#tokenMask = tokenMask
    this.#numUnmasked = options.numUnmasked ?? (() => 0)
    this.#maskLength = Math.ceil(vocabSize / 32)
    this.#allowed = allowedTokenIds === null ? null : bitmask(allowedTokenIds, this.#maskLength)
    this.#counts = hasPenalties(samplingParams)
    const looksBack = badWordsTokenIds.some((word) => word.length > 1)
    this.#maxPendingTokens = looksBack ? 0 : this.#counts ? 1 : Number.POSITIVE_INFINITY
    for (const [id, bias] of samplingParams.logitBias) this.#biases[this.#entry(id)]! += bias
    for (const word of badWordsTokenIds) {
      if (word.length === 1) this.#biases[this.#entry(word[0]!)] = Number.NEGATIVE_INFINITY
    }
    if (this.#counts) {
      for (const id of promptTokenIds) this.#occurrences[this.#entry(id)] = inPromptFlag
    }
  }

  /**
   * The adjustments of a request, or null when it has none.
   *
   * @throws EngineError `limit-exceeded` when it biases or bans more than `maxAdjustedTokenIds` ids.
   */
  static of(options: LogitAdjustmentsOptions): LogitAdjustments | null {
    const { samplingParams, tokenMask } = options
    const { logitBias, badWordsTokenIds, allowedTokenIds, minTokens, stopTokenIds } = samplingParams
    const numEndTokenIds = minTokens > 0 ? options.eosTokenIds.size + stopTokenIds.length : 0
    const numAdjusted = logitBias.length + badWordsTokenIds.length + numEndTokenIds
    if (numAdjusted > maxAdjustedTokenIds) {
      throw new EngineError(
        'limit-exceeded',
        `logit_bias, bad_words and stop_token_ids name ${numAdjusted} tokens together; at most ` +
          `${maxAdjustedTokenIds} are possible. To leave few tokens possible, use allowed_token_ids.`,
      )
    }
    const isNeutral =
      numAdjusted === 0 &&
      allowedTokenIds === null &&
      tokenMask === null &&
      !hasPenalties(samplingParams)
    return isNeutral ? null : new LogitAdjustments(options)
  }

  /** Takes in the token that the output grew by. */
  observe(tokenId: number): void {
    if (this.#counts) this.#occurrences[this.#entry(tokenId)]! += 1
  }

  /** Most words that the token at `position` adds to a step's input, whatever those before will be. */
  maxLength(position: number, tokenIds: readonly number[]): number {
    const numBans = this.#endTokenIds.size + this.#params.badWordsTokenIds.length
    const numCounted = this.#counts ? position - tokenIds.length : 0
    const numEntries = this.#ids.length + numCounted + numBans
    const hasMask = this.#allowed !== null || this.#tokenMask !== null
    return numEntries * adjustmentLength + (hasMask ? this.#maskLength : 0)
  }

  /** Whether the token at `position` is told what it may be once all before it are known, not sooner. */
  isLate(position: number, tokenIds: readonly number[]): boolean {
    const numPending = position - tokenIds.length
    return numPending > this.#maxPendingTokens || this.#masks(position, tokenIds)
  }

  /** The mask of the token behind `tokenIds`; null where it may be any. */
  async askMask(tokenIds: readonly number[]): Promise<Uint32Array | null> {
    if (this.#tokenMask === null || !this.#masks(tokenIds.length, tokenIds)) return null
    return this.#tokenMask(tokenIds.slice(this.#numPromptTokens))
  }

  #masks(position: number, tokenIds: readonly number[]): boolean {
    if (this.#tokenMask === null) return false
    const numPending = position - tokenIds.length
    return this.#numUnmasked(tokenIds.slice(this.#numPromptTokens)) <= numPending
  }

  /** Whether the token at `position` is drawn from other logits than the model's. */
  adjusts(position: number, tokenIds: readonly number[]): boolean {
    return (
      this.#ids.length > 0 ||
      this.#allowed !== null ||
      this.#masks(position, tokenIds) ||
      this.#params.badWordsTokenIds.length > 0 ||
      position - this.#numPromptTokens < this.#params.minTokens
    )
  }

  /** Writes the entries for the token at `position`, from word `at` on; returns how many. */
  writeEntries(
    { u32, f32 }: StepWords,
    at: number,
    position: number,
    tokenIds: readonly number[],
  ): number {
    let length = 0
    const put = (index: number, id: number, bias: number, occurrences: number) => {
      const word = at + index * adjustmentLength
      u32[word] = id
      f32[word + 1] = bias
      u32[word + 2] = occurrences
    }
    for (const id of this.#ids) {
      put(length, id, this.#biases[length]!, this.#occurrences[length]!)
      length += 1
    }
    for (const id of this.#bannedNow(position, tokenIds)) {
      const entry = this.#entryOf.get(id)
      put(entry ?? length, id, Number.NEGATIVE_INFINITY, 0)
      if (entry === undefined) length += 1
    }
    return length
  }

  /** Writes a bit for each id, set where it may be drawn; returns the number of words, 0 for all. */
  writeMask({ u32 }: StepWords, at: number, mask: Uint32Array | null): number {
    if (!mask && this.#allowed === null) return 0
    for (let word = 0; word < this.#maskLength; word++) {
      u32[at + word] = (mask?.[word] ?? (mask ? 0 : 0xffff_ffff)) & (this.#allowed?.[word] ?? -1)
    }
    return this.#maskLength
  }

  #bannedNow(position: number, tokenIds: readonly number[]): Set<number> {
    const numOutputTokens = position - this.#numPromptTokens
    const banned = new Set(numOutputTokens < this.#params.minTokens ? this.#endTokenIds : [])
    for (const word of this.#params.badWordsTokenIds) {
      const before = word.length - 1
      if (before === 0 || before > numOutputTokens) continue
      const first = tokenIds.length - before
      const follows = word.every((id, index) => index === before || tokenIds[first + index] === id)
      if (follows) banned.add(word[before]!)
    }
    return banned
  }

  /** The entry of an id, made neutral if it has none yet. */
  #entry(id: number): number {
    const known = this.#entryOf.get(id)
    if (known !== undefined) return known
    this.#entryOf.set(id, this.#ids.length)
    this.#biases.push(0)
    this.#occurrences.push(0)
    return this.#ids.push(id) - 1
  }
}

const bitmask = (tokenIds: readonly number[], length: number): Uint32Array => {
  const words = new Uint32Array(length)
  for (const id of tokenIds) words[id >> 5]! |= 1 << (id & 31)
  return words
}
