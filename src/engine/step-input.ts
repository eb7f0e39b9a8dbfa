import { EngineError } from '../errors.ts'
import { blockSize } from './block-manager.ts'
import type { LogitAdjustments } from './logit-adjustments.ts'
import type { SamplingInput, StepSummary } from './model-executor.ts'
import type { ScheduledSequence, SchedulerOutput } from './scheduler-output.ts'
import type { Sequence } from './sequence.ts'
import {
  adjustmentLength,
  drawnToken,
  lastTokenFlag,
  noSlot,
  sampleRow,
  sampleRowLength,
  stepInputHeader,
  stepInputHeaderLength,
} from './step-input-layout.ts'

type Offsets = { readonly [Field in keyof typeof stepInputHeader]: number } & {
  readonly adjustments: number
  readonly logprobTokenIds: number
  readonly end: number
}

/** Where the next entries go. */
type Cursor = { adjustments: number; logprobTokenIds: number }

/** By sequence, null for those whose next token may be any. */
export type TokenMasks = ReadonlyMap<Sequence, Uint32Array | null>

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** 0-based index of the token that a scheduled sequence draws after its last known row. */
const drawnPosition = ({ start, numScheduledTokens, draftTokenIds }: ScheduledSequence): number =>
  start + numScheduledTokens - draftTokenIds.length

/** What changes the logits of the row that draws; null when nothing does or none draws. */
const adjustmentsOf = (scheduled: ScheduledSequence): LogitAdjustments | null => {
  const { adjustments, tokenIds, status } = scheduled.sequence
  if (!scheduled.draws || adjustments === null || status === 'finished') return null
  return adjustments.adjusts(drawnPosition(scheduled), tokenIds) ? adjustments : null
}

/** Most words of them. */
const adjustmentsLength = (scheduled: ScheduledSequence): number =>
  adjustmentsOf(scheduled)?.maxLength(drawnPosition(scheduled), scheduled.sequence.tokenIds) ?? 0

/** Whether they can't be told yet: for want of the tokens before, or of a mask, which takes its time. */
const isLate = (scheduled: ScheduledSequence): boolean =>
  adjustmentsOf(scheduled)?.isLate(drawnPosition(scheduled), scheduled.sequence.tokenIds) === true

/** Whose log probabilities the rows that draw report besides the token drawn; [] for the most likely. */
const listedIdsOf = ({ sequence, draws }: ScheduledSequence): readonly number[] =>
  (draws ? sequence.samplingParams.logprobTokenIds : null) ?? []

const layOut = (output: SchedulerOutput): Offsets => {
  const { sequences, numTokens, numSamples, numDecodeSequences } = output
  const blockTableStride = Math.max(...sequences.map((s) => s.sequence.blockTable.length))
  let length = stepInputHeaderLength
  const reserve = (size: number): number => {
    const offset = length
    length += size
    return offset
  }
  const offsets = {
    numTokens,
    numSequences: sequences.length,
    numSamples,
    tokenIds: reserve(numTokens),
    positions: reserve(numTokens),
    slotMapping: reserve(numTokens),
    tokenSequence: reserve(numTokens),
    queryStart: reserve(sequences.length + 1),
    contextLength: reserve(sequences.length),
    blockTables: reserve(sequences.length * blockTableStride),
    blockTableStride,
    sampleRows: reserve(numSamples * sampleRowLength),
    adjustments: reserve(sum(sequences.map(adjustmentsLength))),
    logprobTokenIds: reserve(sum(sequences.map((s) => listedIdsOf(s).length))),
    numDecodeSequences,
    numDecodeTokens: numDecodeSequences,
  }
  return { ...offsets, end: length }
}

/** Flattens scheduler outputs into the one array that a step uploads, reusing its memory. */
export class StepInputBuilder {
  #u32 = new Uint32Array(1024)
  #f32 = new Float32Array(this.#u32.buffer)
  /** The step prepared last. */
  #prepared: { readonly output: SchedulerOutput; readonly offsets: Offsets } | null = null

  /** A view that the next call overwrites. What can't be told yet of how tokens are drawn is left out. */
  prepare(output: SchedulerOutput): Uint32Array<ArrayBuffer> {
    const offsets = layOut(output)
    this.#prepared = { output, offsets }
    this.#reserve(offsets.end)
    this.#u32.fill(0, 0, offsets.end)
    for (const [field, index] of Object.entries(stepInputHeader)) {
      this.#u32[index] = offsets[field as keyof Offsets]
    }
    let tokenIndex = 0
    for (const [index, scheduled] of output.sequences.entries()) {
      this.#u32[offsets.queryStart + index] = tokenIndex
      this.#writeTokens(offsets, scheduled, index, tokenIndex)
      this.#writeSequence(offsets, scheduled, index)
      tokenIndex += scheduled.numScheduledTokens
    }
    this.#u32[offsets.queryStart + output.sequences.length] = tokenIndex
    this.#writeSampling(output, offsets, null)
    return this.#u32.subarray(0, offsets.end)
  }

  /**
   * How the tokens of the step prepared last are drawn, when all tokens before them are known. A view
   * that the next call overwrites.
   *
   * @throws EngineError `internal` when no step was prepared.
   */
  prepareSampling(masks: TokenMasks): SamplingInput {
    if (this.#prepared === null) throw new EngineError('internal', 'No step was prepared.')
    const { output, offsets } = this.#prepared
    const { sampleRows: at, end } = offsets
    this.#u32.fill(0, at, end)
    this.#writeSampling(output, offsets, masks)
    return { at, words: this.#u32.subarray(at, end) }
  }

  /** @param masks Null as long as they are not known. */
  #writeSampling(output: SchedulerOutput, offsets: Offsets, masks: TokenMasks | null): void {
    const { sampleRows, adjustments, logprobTokenIds } = offsets
    const cursor = { adjustments, logprobTokenIds }
    let tokenIndex = 0
    let sampleIndex = 0
    for (const scheduled of output.sequences) {
      const listedIds = this.#writeListedIds(scheduled, cursor)
      tokenIndex += scheduled.numScheduledTokens
      for (let row = scheduled.numSamples; row > 0; row--) {
        const at = sampleRows + sampleIndex * sampleRowLength
        this.#u32[at + sampleRow.tokenIndex] = tokenIndex - row
        const position = scheduled.start + scheduled.numScheduledTokens - row
        this.#writeSampleRow(at, { scheduled, position, listedIds })
        if (row === 1 && (masks || !isLate(scheduled))) {
          const mask = masks?.get(scheduled.sequence) ?? null
          this.#writeAdjustments(at, { scheduled, mask, cursor })
        }
        sampleIndex += 1
      }
    }
  }

  #reserve(length: number): void {
    if (length <= this.#u32.length) return
    this.#u32 = new Uint32Array(Math.max(length, 2 * this.#u32.length))
    this.#f32 = new Float32Array(this.#u32.buffer)
  }

  #writeTokens(offsets: Offsets, scheduled: ScheduledSequence, index: number, first: number): void {
    const { sequence, slot, start, numScheduledTokens, draftTokenIds } = scheduled
    const firstDraft = numScheduledTokens - draftTokenIds.length
    for (let row = 0; row < numScheduledTokens; row++) {
      const position = start + row
      const token = first + row
      const block = sequence.blockTable[Math.floor(position / blockSize)]!
      const known = sequence.tokenIds[position] ?? draftTokenIds[row - firstDraft]
      this.#u32[offsets.tokenIds + token] = known ?? lastTokenFlag | slot
      this.#u32[offsets.positions + token] = position
      this.#u32[offsets.slotMapping + token] = block * blockSize + (position % blockSize)
      this.#u32[offsets.tokenSequence + token] = index
    }
  }

  #writeSequence(offsets: Offsets, scheduled: ScheduledSequence, index: number): void {
    const { sequence, start, numScheduledTokens } = scheduled
    this.#u32[offsets.contextLength + index] = start + numScheduledTokens
    this.#u32.set(sequence.blockTable, offsets.blockTables + index * offsets.blockTableStride)
  }

  /** Returns where the ids stand, 0 where there are none. All rows of a sequence share them. */
  #writeListedIds(scheduled: ScheduledSequence, cursor: Cursor): number {
    const tokenIds = listedIdsOf(scheduled)
    if (tokenIds.length === 0) return 0
    const at = cursor.logprobTokenIds
    this.#u32.set(tokenIds, at)
    cursor.logprobTokenIds += tokenIds.length
    return at
  }

  /** The row of the token at `position`, from which the token after it is drawn or looked at. */
  #writeSampleRow(
    at: number,
    row: {
      readonly scheduled: ScheduledSequence
      readonly position: number
      readonly listedIds: number
    },
  ): void {
    const { scheduled, position, listedIds } = row
    const { sequence, slot } = scheduled
    const { samplingParams, numPromptTokens } = sequence
    const [seedLow, seedHigh] = sequence.seed
    this.#u32[at + sampleRow.seedLow] = seedLow
    this.#u32[at + sampleRow.seedHigh] = seedHigh
    this.#u32[at + sampleRow.position] = position + 1
    if (position + 1 < numPromptTokens) {
      // Greedy, as the quickest: what it draws is not looked at.
      this.#u32[at + sampleRow.slot] = noSlot
      this.#u32[at + sampleRow.logprobs] = 1 + (samplingParams.promptLogprobs ?? 0)
      this.#u32[at + sampleRow.target] = sequence.tokenIds[position + 1]!
      return
    }
    this.#u32[at + sampleRow.slot] = slot
    this.#f32[at + sampleRow.temperature] = samplingParams.temperature
    this.#u32[at + sampleRow.topK] = samplingParams.topK
    this.#f32[at + sampleRow.topP] = samplingParams.topP
    this.#f32[at + sampleRow.minP] = samplingParams.minP
    this.#u32[at + sampleRow.target] = drawnToken
    this.#u32[at + sampleRow.logprobs] =
      samplingParams.logprobs === null ? 0 : 1 + samplingParams.logprobs
    this.#u32[at + sampleRow.logprobTokenIds] = listedIds
  }

  #writeAdjustments(
    at: number,
    row: {
      readonly scheduled: ScheduledSequence
      readonly mask: Uint32Array | null
      readonly cursor: Cursor
    },
  ): void {
    const { scheduled, mask, cursor } = row
    const { tokenIds, samplingParams } = scheduled.sequence
    const adjustments = adjustmentsOf(scheduled)
    this.#f32[at + sampleRow.repetitionPenalty] = samplingParams.repetitionPenalty
    this.#f32[at + sampleRow.presencePenalty] = samplingParams.presencePenalty
    this.#f32[at + sampleRow.frequencyPenalty] = samplingParams.frequencyPenalty
    if (adjustments === null) return
    const words = { u32: this.#u32, f32: this.#f32 }
    const position = drawnPosition(scheduled)
    const numEntries = adjustments.writeEntries(words, cursor.adjustments, position, tokenIds)
    this.#u32[at + sampleRow.adjustments] = cursor.adjustments
    this.#u32[at + sampleRow.numAdjustments] = numEntries
    this.#u32[at + sampleRow.hasPendingToken] = Number(tokenIds.length < position)
    cursor.adjustments += numEntries * adjustmentLength
    const maskLength = adjustments.writeMask(words, cursor.adjustments, mask)
    this.#u32[at + sampleRow.mask] = maskLength > 0 ? cursor.adjustments : 0
    cursor.adjustments += maskLength
  }
}

/** The highest `sampleRow.logprobs` of a scheduled sequence's rows. */
const logprobsWanted = ({ sequence, draws, numSamples }: ScheduledSequence): number => {
  const { logprobs, promptLogprobs } = sequence.samplingParams
  const ofPrompt = sequence.lacksPromptLogprobs && numSamples > 0 ? 1 + (promptLogprobs ?? 0) : 0
  return Math.max(ofPrompt, draws && logprobs !== null ? 1 + logprobs : 0)
}

/** Whether the step is prepared before all is known of how its tokens are drawn. */
export const samplesLate = ({ sequences }: SchedulerOutput): boolean => sequences.some(isLate)

/** What the executor needs to know of a step besides its input. */
export const summarizeStep = (output: SchedulerOutput): StepSummary => {
  const { stepId, sequences, numTokens, numSamples, numDecodeSequences } = output
  const contextLengths = sequences.map((s) => s.start + s.numScheduledTokens)
  return {
    stepId,
    numTokens,
    numSequences: sequences.length,
    numSamples,
    numDecodeSequences,
    maxContextLength: Math.max(...contextLengths),
    maxQueryLength: Math.max(...sequences.map((s) => s.numScheduledTokens)),
    adjustsLogits: sequences.some((s) => adjustmentsOf(s) !== null),
    logprobs: Math.max(0, ...sequences.map(logprobsWanted)),
  }
}
