import { EngineError } from '../errors.ts'
import { BlockManager, blockSize } from './block-manager.ts'
import type { ScheduledSequence, SchedulerOutput } from './scheduler-output.ts'
import type { Sequence } from './sequence.ts'
import { checkStop, type Stop } from './stop-checker.ts'

export type SchedulerOptions = {
  readonly numBlocks: number
  readonly maxNumSeqs: number
  /** Most tokens a step computes. */
  readonly maxNumBatchedTokens: number
  readonly eosTokenIds: ReadonlySet<number>
  readonly enablePrefixCaching: boolean
}

/** A token that a completed step drew. */
export type SampledToken = {
  readonly sequence: Sequence
  readonly tokenId: number
  /** Set when this token ended the sequence. */
  readonly stop: Stop | null
}

/**
 * Decides which tokens each step computes, in the manner of vLLM v1. There are no phases: every
 * sequence has computed some of its tokens, and a step moves each towards having computed all,
 * within a budget of tokens. Running sequences go first, in order of arrival; when blocks run out,
 * the last one to arrive gives its blocks up and computes them again later. New sequences start
 * when nothing running is short of blocks.
 *
 * Steps run ahead: `schedule` may be called again before `update` has reported the earlier steps. A
 * sequence's newest token is then still on the GPU, which reads it from `lastTokens[slot]`. When a
 * reported token turns out to end a sequence, what later steps draw for it is dropped.
 */
export class Scheduler {
  readonly blocks: BlockManager
  readonly #options: SchedulerOptions
  /** Both in order of arrival, everything running before everything waiting. */
  readonly #running: Sequence[] = []
  readonly #waiting: Sequence[] = []
  #freeSlots: number[] = []
  #numSteps = 0
  #numCompletedSteps = 0
  #numPreemptions = 0
  #numQueriedTokens = 0
  #numHitTokens = 0

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
    }
  }

  /** Drops all sequences, cached blocks and unreported steps, as after a failed step. */
  reset(): void {
    for (const sequence of [...this.#running, ...this.#waiting]) sequence.status = 'finished'
    this.#running.length = 0
    this.#waiting.length = 0
    this.#freeSlots = Array.from({ length: this.#options.maxNumSeqs }, (_, slot) => slot)
    this.#numCompletedSteps = this.#numSteps
    this.blocks.reset(this.#numSteps)
  }

  /**
   * Queues a sequence.
   *
   * @throws EngineError `limit-exceeded` when it could outgrow all blocks even if it ran alone.
   */
  add(sequence: Sequence): void {
    const { numBlocks } = this.#options
    if (sequence.maxNumTokens > numBlocks * blockSize) {
      throw new EngineError(
        'limit-exceeded',
        `Request ${sequence.requestId} may grow to ${sequence.maxNumTokens} tokens, but the KV ` +
          `cache holds ${numBlocks * blockSize} (${numBlocks} blocks of ${blockSize}). Lower ` +
          'max_tokens or the maximum context length, or give the KV cache more blocks.',
      )
    }
    this.#waiting.push(sequence)
  }

  /** Ends a sequence now; what submitted steps still draw for it is dropped. */
  abort(sequence: Sequence): void {
    if (sequence.status !== 'finished') this.#finish(sequence)
  }

  /** The next step, or null when nothing can be computed before a step or a request comes in. */
  schedule(tokenBudget = this.#options.maxNumBatchedTokens): SchedulerOutput | null {
    const step: StepDraft = { stepId: this.#numSteps + 1, budget: tokenBudget, scheduled: [] }
    if (this.#scheduleRunning(step)) this.#scheduleWaiting(step)
    if (step.scheduled.length === 0) return null
    this.#numSteps += 1
    const decodes = step.scheduled.filter((entry) => entry.phase === 'decode')
    const prefills = step.scheduled.filter((entry) => entry.phase === 'prefill')
    return {
      stepId: step.stepId,
      sequences: [...decodes, ...prefills],
      numTokens: tokenBudget - step.budget,
      numSamples: step.scheduled.filter((entry) => entry.samples).length,
      numDecodeSequences: decodes.length,
    }
  }

  /**
   * Takes in what a step drew.
   *
   * @param output The oldest step that was not reported yet.
   * @param sampledTokenIds One id for each of its entries that samples, in order.
   * @returns The tokens that count; those of sequences that ended meanwhile are left out.
   */
  update(output: SchedulerOutput, sampledTokenIds: ArrayLike<number>): SampledToken[] {
    const { stepId, numSamples, sequences } = output
    if (stepId !== this.#numCompletedSteps + 1 || sampledTokenIds.length !== numSamples) {
      throw new EngineError(
        'internal',
        `Step ${stepId} reported ${sampledTokenIds.length} tokens; expected ${numSamples} ` +
          `tokens of a step and step ${this.#numCompletedSteps + 1} next.`,
      )
    }
    this.#numCompletedSteps = stepId
    this.blocks.completeStep(stepId)
    const sampled = sequences.filter((entry) => entry.samples)
    return sampled.flatMap(({ sequence }, index) => {
      const tokenId = sampledTokenIds[index]
      if (sequence.status === 'finished' || tokenId === undefined) return []
      return [this.#accept(sequence, tokenId)]
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
    // Preemption takes from the end of this list, never from what the loop has passed.
    for (const sequence of this.#running) {
      if (step.budget === 0) break
      if (sequence.isFullyScheduled) continue
      const numTokens = Math.min(sequence.numTokens - sequence.numComputedTokens, step.budget)
      if (!this.#makeRoom(sequence, sequence.numComputedTokens + numTokens)) return false
      this.#take(step, sequence, numTokens)
    }
    return this.#numPreemptions === numPreemptions
  }

  /** Starts waiting sequences, strictly in order: a long one is not overtaken by short ones. */
  #scheduleWaiting(step: StepDraft): void {
    for (let sequence = this.#waiting[0]; sequence !== undefined; sequence = this.#waiting[0]) {
      if (step.budget === 0 || this.#running.length === this.#options.maxNumSeqs) return
      // A preempted sequence whose last tokens are still on the GPU resumes once they are known.
      if (sequence.numPendingTokens > 0) return
      const cachedBlockIds = this.blocks.findCachedPrefix(sequence)
      const numCachedTokens = cachedBlockIds.length * blockSize
      // Room for all its tokens, not for the first chunk alone: else it would soon be preempted.
      if (this.blocks.numMissingBlocks(sequence, sequence.numTokens, cachedBlockIds) > 0) return
      const numTokens = Math.min(sequence.numTokens - numCachedTokens, step.budget)
      this.blocks.allocate(sequence, numCachedTokens + numTokens, cachedBlockIds)
      this.#start(sequence, numCachedTokens)
      this.#take(step, sequence, numTokens)
    }
  }

  #start(sequence: Sequence, numCachedTokens: number): void {
    this.#waiting.shift()
    this.#running.push(sequence)
    sequence.status = 'running'
    sequence.slot = this.#freeSlots.shift() ?? null
    sequence.numComputedTokens = numCachedTokens
    if (sequence.numCachedTokens !== null) return
    sequence.numCachedTokens = numCachedTokens
    this.#numQueriedTokens += sequence.numPromptTokens
    this.#numHitTokens += numCachedTokens
  }

  /** Adds a running sequence, which has the blocks, to the step. */
  #take(step: StepDraft, sequence: Sequence, numScheduledTokens: number): void {
    const start = sequence.numComputedTokens
    const samples = start + numScheduledTokens === sequence.numTokens
    const { slot } = sequence
    if (slot === null) {
      throw new EngineError('internal', `Request ${sequence.requestId} runs without a slot.`)
    }
    step.scheduled.push({
      sequence,
      slot,
      phase: samples && numScheduledTokens === 1 ? 'decode' : 'prefill',
      start,
      numScheduledTokens,
      samples,
    })
    step.budget -= numScheduledTokens
    sequence.numComputedTokens += numScheduledTokens
    sequence.lastStepId = step.stepId
    if (samples) sequence.numPendingTokens += 1
    this.blocks.cacheFullBlocks(sequence)
  }

  /**
   * Gives a running sequence blocks for its first `numTokens` tokens, if need be by preempting the
   * latest arrivals, itself in the end. Preempted blocks may first have to retire, so this stops
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
    this.#waiting.unshift(sequence)
    this.#numPreemptions += 1
  }

  #accept(sequence: Sequence, tokenId: number): SampledToken {
    sequence.appendSampledToken(tokenId)
    this.blocks.cacheFullBlocks(sequence)
    const stop = checkStop(sequence, this.#options.eosTokenIds)
    if (stop !== null) this.#finish(sequence)
    return { sequence, tokenId, stop }
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
  /** Tokens that may still be added. */
  budget: number
  readonly scheduled: ScheduledSequence[]
}
