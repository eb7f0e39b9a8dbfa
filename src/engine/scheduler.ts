import { EngineError } from '../errors.ts'
import { BlockManager, blockSize } from './block-manager.ts'
import type { TokenLogprobs } from './generation.ts'
import type { StepResult } from './model-executor.ts'
import type { ScheduledSequence, SchedulerOutput } from './scheduler-output.ts'
import type { Sequence } from './sequence.ts'
import { insertInOrder } from './sequence-order.ts'
import { checkStop, type Stop } from './stop-checker.ts'

export type SchedulerOptions = {
  readonly numBlocks: number
  readonly maxNumSeqs: number
  /** Most tokens a step computes. */
  readonly maxNumBatchedTokens: number
  /**
   * Sample rows that a step may have beyond one for each sequence: for drafts and for the log
   * probabilities of prompts.
   */
  readonly numExtraSamples: number
  readonly eosTokenIds: ReadonlySet<number>
  readonly enablePrefixCaching: boolean
}

/** A token that a completed step drew. */
export type SampledToken = {
  readonly sequence: Sequence
  readonly tokenId: number
  readonly logprobs: TokenLogprobs | null
  /** Set when this token ended the sequence. */
  readonly stop: Stop | null
}

/**
 * Decides which tokens each step computes, in the manner of vLLM v1. There are no phases: every
 * sequence has computed some of its tokens, and a step moves each towards having computed all,
 * within a budget of tokens. Running sequences go first, in order of priority and then of arrival;
 * when blocks run out, the last in this order gives its blocks up and computes them again later. New
 * sequences start when nothing running is short of blocks.
 *
 * Steps run ahead: `schedule` may be called again before `update` has reported the earlier steps. A
 * sequence's newest token is then still on the GPU, which reads it from `lastTokens[slot]`. When a
 * reported token turns out to end a sequence, what later steps draw for it is dropped.
 */
export class Scheduler {
  readonly blocks: BlockManager
  readonly #options: SchedulerOptions
  /** Both in order of priority, then of arrival. */
  readonly #running: Sequence[] = []
  readonly #waiting: Sequence[] = []
  #freeSlots: number[] = []
  #numArrivals = 0
  #numSteps = 0
  #numCompletedSteps = 0
  #numPreemptions = 0
  #numQueriedTokens = 0
  #numHitTokens = 0
  #numDrafts = 0
  #numDraftTokens = 0
  #numAcceptedTokens = 0

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.blocks = new BlockManager(options)
    this.reset()
  }

  get running(): readonly Sequence[] {
    return this.#running
  }

  get waiting(): readonly Sequence[] {
    return this.#waiting
  }

  get stats() {
    return {
      numSteps: this.#numSteps,
      numPreemptions: this.#numPreemptions,
      prefixCacheQueriedTokens: this.#numQueriedTokens,
      prefixCacheHitTokens: this.#numHitTokens,
      numDrafts: this.#numDrafts,
      numDraftTokens: this.#numDraftTokens,
      numAcceptedTokens: this.#numAcceptedTokens,
    }
  }

  /** Drops all sequences, cached blocks and unreported steps, as after a failed step. */
  reset(): void {
    for (const sequence of [...this.#running, ...this.#waiting]) sequence.status = 'finished'
    this.#waiting.length = 0
    this.#running.length = 0
    this.#forgetGpu(this.blocks.numBlocks)
  }

  /**
   * Preempts everything and forgets unreported steps, as after the GPU lost its memory. Sequences
   * that could not run alone in the blocks there are now end.
   *
   * @returns The sequences that ended.
   */
  preemptAll(numBlocks: number): Sequence[] {
    for (const sequence of this.#running.toReversed()) this.#preempt(sequence)
    for (const sequence of this.#waiting) {
      sequence.numPendingTokens = 0
      sequence.lastStepId = 0
    }
    this.#forgetGpu(numBlocks)
    const tooLong = this.#waiting.filter((s) => s.maxNumTokens > numBlocks * blockSize)
    for (const sequence of tooLong) this.#finish(sequence)
    return tooLong
  }

  #forgetGpu(numBlocks: number): void {
    this.#freeSlots = Array.from({ length: this.#options.maxNumSeqs }, (_, slot) => slot)
    this.#numCompletedSteps = this.#numSteps
    this.blocks.reset(this.#numSteps, numBlocks)
  }

  /**
   * Queues a sequence.
   *
   * @throws EngineError `limit-exceeded` when it could outgrow all blocks even if it ran alone.
   */
  add(sequence: Sequence): void {
    const { numBlocks } = this.blocks
    if (sequence.maxNumTokens > numBlocks * blockSize) {
      throw new EngineError(
        'limit-exceeded',
        `Request ${sequence.requestId} may grow to ${sequence.maxNumTokens} tokens, but the KV ` +
          `cache holds ${numBlocks * blockSize} (${numBlocks} blocks of ${blockSize}). Lower ` +
          'max_tokens or the maximum context length, or give the KV cache more blocks.',
      )
    }
    sequence.arrival = this.#numArrivals
    this.#numArrivals += 1
    insertInOrder(this.#waiting, sequence)
  }

  /** Ends a sequence now; what submitted steps still draw for it is dropped. */
  abort(sequence: Sequence): void {
    if (sequence.status !== 'finished') this.#finish(sequence)
  }

  /** The next step, or null when nothing can be computed before a step or a request comes in. */
  schedule(tokenBudget = this.#options.maxNumBatchedTokens): SchedulerOutput | null {
    const step: StepDraft = {
      stepId: this.#numSteps + 1,
      budget: tokenBudget,
      numExtraSamples: this.#options.numExtraSamples,
      scheduled: [],
    }
    if (this.#scheduleRunning(step)) this.#scheduleWaiting(step)
    if (step.scheduled.length === 0) return null
    this.#numSteps += 1
    const decodes = step.scheduled.filter((entry) => entry.phase === 'decode')
    const prefills = step.scheduled.filter((entry) => entry.phase === 'prefill')
    return {
      stepId: step.stepId,
      sequences: [...decodes, ...prefills],
      numTokens: tokenBudget - step.budget,
      numSamples: step.scheduled.reduce((sum, entry) => sum + entry.numSamples, 0),
      numDecodeSequences: decodes.length,
    }
  }

  /**
   * Takes in what a step drew.
   *
   * @param output The oldest step that was not reported yet.
   * @returns The tokens that count; those of sequences that ended meanwhile are left out.
   */
  update(output: SchedulerOutput, result: StepResult): SampledToken[] {
    const { stepId, numSamples, sequences } = output
    const numSampled = result.sampledTokenIds.length
    if (stepId !== this.#numCompletedSteps + 1 || numSampled !== numSamples) {
      throw new EngineError(
        'internal',
        `Step ${stepId} reported ${numSampled} tokens; expected ${numSamples} tokens of a step ` +
          `and step ${this.#numCompletedSteps + 1} next.`,
      )
    }
    this.#numCompletedSteps = stepId
    this.blocks.completeStep(stepId)
    let firstRow = 0
    return sequences.flatMap((entry) => {
      const drawn = drawnTokens(entry, result, firstRow)
      if (entry.sequence.status !== 'finished') this.#takePromptLogprobs(entry, result, firstRow)
      firstRow += entry.numSamples
      return entry.draws && entry.sequence.status !== 'finished' ? this.#accept(entry, drawn) : []
    })
  }

  /** @throws EngineError `internal` naming what is inconsistent. */
  checkIntegrity(): void {
    const holders = [...this.#running, ...this.#waiting].filter((s) => s.blockTable.length > 0)
    const slots = this.#running.map((sequence) => sequence.slot)
    const distinct = new Set([...slots, ...this.#freeSlots])
    if (distinct.has(null) || distinct.size !== this.#options.maxNumSeqs) {
      throw new EngineError('internal', `Slots are lost or shared: running ${slots.join()}.`)
    }
    const misplaced = this.#waiting.find((s) => s.slot !== null || s.blockTable.length > 0)
    if (misplaced !== undefined) {
      throw new EngineError('internal', `${misplaced.requestId} waits but holds a slot or blocks.`)
    }
    this.blocks.checkIntegrity(holders)
  }

  /** Schedules what runs; false when blocks ran short, so that nothing new may start. */
  #scheduleRunning(step: StepDraft): boolean {
    const numPreemptions = this.#numPreemptions
    let numDecodesToCome = this.#running.filter((sequence) => sequence.isReadyToDecode).length
    // Preemption takes from the end of this list, never from what the loop has passed.
    for (const sequence of this.#running) {
      if (step.budget === 0) break
      if (sequence.isFullyScheduled || sequence.waitsForTokens) continue
      if (sequence.isReadyToDecode) numDecodesToCome -= 1
      const { numComputedTokens } = sequence
      // A long prompt does not hold up the streams behind it: each gets its token in every step.
      const budget = Math.max(step.budget - numDecodesToCome, 1)
      const numTokens = this.#chunkLength(step, sequence, numComputedTokens, budget)
      if (!this.#makeRoom(sequence, numComputedTokens + numTokens)) return false
      const draftTokenIds = this.#draft(step, sequence, budget - numTokens)
      this.#take(step, sequence, numTokens, draftTokenIds)
    }
    return this.#numPreemptions === numPreemptions
  }

  /** Starts waiting sequences, strictly in order: a long one is not overtaken by short ones. */
  #scheduleWaiting(step: StepDraft): void {
    for (let sequence = this.#waiting[0]; sequence !== undefined; sequence = this.#waiting[0]) {
      if (step.budget === 0 || this.#running.length === this.#options.maxNumSeqs) return
      // A preempted sequence whose last tokens are still on the GPU resumes once they are known.
      if (sequence.numPendingTokens > 0) return
      const computesAll = sequence.lacksPromptLogprobs
      const cachedBlockIds = computesAll ? [] : this.blocks.findCachedPrefix(sequence)
      const numCachedTokens = cachedBlockIds.length * blockSize
      // Room for all its tokens, not for the first chunk alone: else it would soon be preempted.
      if (this.blocks.numMissingBlocks(sequence, sequence.numTokens, cachedBlockIds) > 0) return
      const numTokens = this.#chunkLength(step, sequence, numCachedTokens, step.budget)
      this.blocks.allocate(sequence, numCachedTokens + numTokens, cachedBlockIds)
      this.#start(sequence, numCachedTokens)
      this.#take(step, sequence, numTokens, [])
    }
  }

  /** How many of the tokens from `start` on the sequence computes in this step. */
  #chunkLength(step: StepDraft, sequence: Sequence, start: number, budget: number): number {
    const numSampleRows = sequence.lacksPromptLogprobs ? step.numExtraSamples + 1 : budget
    return Math.min(sequence.numTokens - start, budget, numSampleRows)
  }

  /** Tokens to verify after the sequence's newest one; it has the blocks for them afterwards. */
  #draft(step: StepDraft, sequence: Sequence, budget: number): readonly number[] {
    const { speculation, numTokens, maxNumTokens, numPendingTokens } = sequence
    if (speculation === null || numPendingTokens > 0 || !sequence.isReadyToDecode) return []
    const limit = Math.min(budget, step.numExtraSamples, maxNumTokens - numTokens - 1)
    const draftTokenIds = limit > 0 ? speculation.draft(limit) : []
    const hasRoom = this.blocks.allocate(sequence, numTokens + draftTokenIds.length)
    return hasRoom ? draftTokenIds : []
  }

  #start(sequence: Sequence, numCachedTokens: number): void {
    this.#waiting.shift()
    insertInOrder(this.#running, sequence)
    sequence.status = 'running'
    sequence.slot = this.#freeSlots.shift() ?? null
    sequence.numComputedTokens = numCachedTokens
    if (sequence.numCachedTokens !== null) return
    sequence.numCachedTokens = numCachedTokens
    this.#numQueriedTokens += sequence.numPromptTokens
    this.#numHitTokens += numCachedTokens
  }

  /** Adds a running sequence, which has the blocks, to the step. */
  #take(
    step: StepDraft,
    sequence: Sequence,
    numTokens: number,
    draftTokenIds: readonly number[],
  ): void {
    const start = sequence.numComputedTokens
    const draws = start + numTokens === sequence.numTokens
    const numScheduledTokens = numTokens + draftTokenIds.length
    const numSamples = sequence.lacksPromptLogprobs
      ? numScheduledTokens
      : Number(draws) + draftTokenIds.length
    const { slot } = sequence
    if (slot === null) {
      throw new EngineError('internal', `Request ${sequence.requestId} runs without a slot.`)
    }
    step.scheduled.push({
      sequence,
      slot,
      phase: draws && numScheduledTokens === 1 ? 'decode' : 'prefill',
      start,
      numScheduledTokens,
      numSamples,
      draws,
      draftTokenIds,
    })
    step.budget -= numScheduledTokens
    step.numExtraSamples -= Math.max(numSamples - 1, 0)
    sequence.numComputedTokens += numScheduledTokens
    sequence.lastStepId = step.stepId
    if (draws) sequence.numPendingTokens += 1
    if (draftTokenIds.length > 0) this.#numDrafts += 1
    this.#numDraftTokens += draftTokenIds.length
    this.blocks.cacheFullBlocks(sequence)
  }

  /**
   * Gives a running sequence blocks for its first `numTokens` tokens, if need be by preempting the
   * last in order, itself in the end. Preempted blocks may first have to retire, so this stops
   * as soon as enough are on their way; the sequence then has its turn in a later step.
   */
  #makeRoom(sequence: Sequence, numTokens: number): boolean {
    while (!this.blocks.allocate(sequence, numTokens)) {
      const numMissing = this.blocks.numMissingBlocks(sequence, numTokens)
      if (numMissing <= this.blocks.numRetiringBlocks) return false
      const victim = this.#running.at(-1) ?? sequence
      this.#preempt(victim)
      if (victim === sequence) return false
    }
    return true
  }

  #preempt(sequence: Sequence): void {
    this.#release(sequence)
    sequence.numComputedTokens = 0
    sequence.status = 'waiting'
    insertInOrder(this.#waiting, sequence)
    this.#numPreemptions += 1
  }

  /** Appends what a step drew for a sequence, up to the token that ends it. */
  #accept(entry: ScheduledSequence, drawn: readonly DrawnToken[]): SampledToken[] {
    const { sequence, start, numScheduledTokens, draftTokenIds } = entry
    sequence.numPendingTokens -= 1
    this.#numAcceptedTokens += drawn.length - 1
    if (sequence.status === 'running') {
      // The keys and values behind a draft's first wrong token are computed anew.
      const numRejected = draftTokenIds.length - (drawn.length - 1)
      if (numRejected > 0) sequence.numComputedTokens = start + numScheduledTokens - numRejected
    }
    const accepted: SampledToken[] = []
    for (const { tokenId, logprobs } of drawn) {
      sequence.appendToken(tokenId)
      const stop = checkStop(sequence, this.#options.eosTokenIds)
      accepted.push({ sequence, tokenId, logprobs, stop })
      if (stop !== null) break
    }
    this.blocks.cacheFullBlocks(sequence)
    if (accepted.at(-1)?.stop) this.#finish(sequence)
    return accepted
  }

  #takePromptLogprobs(entry: ScheduledSequence, result: StepResult, firstRow: number): void {
    const { sequence, start, numScheduledTokens, numSamples } = entry
    if (!sequence.lacksPromptLogprobs) return
    const firstPosition = start + numScheduledTokens - numSamples
    for (let row = 0; row < numSamples && sequence.lacksPromptLogprobs; row++) {
      // Rows computed once more after a preemption bring nothing new.
      if (firstPosition + row + 1 !== sequence.promptLogprobs?.length) continue
      sequence.promptLogprobs.push(result.logprobs?.[firstRow + row] ?? null)
    }
  }

  #finish(sequence: Sequence): void {
    if (sequence.status === 'running') this.#release(sequence)
    else this.#waiting.splice(this.#waiting.indexOf(sequence), 1)
    sequence.status = 'finished'
  }

  /** Takes a sequence off the running list and gives its slot and blocks back. */
  #release(sequence: Sequence): void {
    this.#running.splice(this.#running.indexOf(sequence), 1)
    if (sequence.slot !== null) this.#freeSlots.push(sequence.slot)
    sequence.slot = null
    this.blocks.free(sequence)
  }
}

type StepDraft = {
  readonly stepId: number
  /** Tokens and sample rows beyond one a sequence that may still be added. */
  budget: number
  numExtraSamples: number
  readonly scheduled: ScheduledSequence[]
}

type DrawnToken = Pick<SampledToken, 'tokenId' | 'logprobs'>

/** The tokens that an entry's rows drew: one, and one more for each token of a draft that was right. */
const drawnTokens = (
  { numSamples, draftTokenIds }: ScheduledSequence,
  { sampledTokenIds, logprobs }: StepResult,
  firstRow: number,
): DrawnToken[] => {
  const lastRow = firstRow + numSamples
  const drawn: DrawnToken[] = []
  for (let row = lastRow - 1 - draftTokenIds.length; row < lastRow; row++) {
    const tokenId = sampledTokenIds[row] ?? 0
    drawn.push({ tokenId, logprobs: logprobs?.[row] ?? null })
    if (draftTokenIds[drawn.length - 1] !== tokenId) break
  }
  return drawn
}
