import { blockSize } from './block-manager.ts'
import type { StepSummary } from './model-executor.ts'
import type { ScheduledSequence, SchedulerOutput } from './scheduler-output.ts'

/** Number of u32 in the header. */
export const stepInputHeaderLength = 16
/** Number of u32 in a sample row. */
export const sampleRowLength = 12
/** Set in a token entry that names a slot of `lastTokens` instead of a token id. */
export const lastTokenFlag = 0x8000_0000

/** The header's entries; the rest are 0. `shaders/lib/step-input.wgsl` reads the same layout. */
export const stepInputHeader = {
  numTokens: 0,
  numSequences: 1,
  numSamples: 2,
  /** [numTokens] a token id, or `lastTokenFlag | slot` for the token drawn last in that slot. */
  tokenIds: 3,
  /** [numTokens] */
  positions: 4,
  /** [numTokens] block * 16 + offset in the block: where the token's KV goes. */
  slotMapping: 5,
  /** [numTokens] index of the token's sequence in this batch. */
  tokenSequence: 6,
  /** [numSequences + 1] token index at which each sequence's rows begin. */
  queryStart: 7,
  /** [numSequences] keys visible after this step. */
  contextLength: 8,
  /** [numSequences * blockTableStride] */
  blockTables: 9,
  blockTableStride: 10,
  /** [numSamples * 12], see `sampleRow`. */
  sampleRows: 11,
  numDecodeSequences: 12,
  numDecodeTokens: 13,
} as const

/** A sample row's entries; the rest are 0. Fractions are stored as the bits of an f32. */
export const sampleRow = {
  tokenIndex: 0,
  slot: 1,
  temperature: 2,
  topK: 3,
  topP: 4,
  minP: 5,
  seedLow: 6,
  seedHigh: 7,
  /** 0-based index in the sequence of the token being drawn. */
  position: 8,
} as const

type Offsets = { [Field in keyof typeof stepInputHeader]: number }

const layOut = (output: SchedulerOutput): { offsets: Offsets; length: number } => {
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
    numDecodeSequences,
    numDecodeTokens: numDecodeSequences,
  }
  return { offsets, length }
}

/** Flattens scheduler outputs into the one array that a step uploads, reusing its memory. */
export class StepInputBuilder {
  #u32 = new Uint32Array(1024)
  #f32 = new Float32Array(this.#u32.buffer)

  /** A view that the next call overwrites. */
  prepare(output: SchedulerOutput): Uint32Array<ArrayBuffer> {
    const { offsets, length } = layOut(output)
    this.#reserve(length)
    this.#u32.fill(0, 0, length)
    for (const [field, index] of Object.entries(stepInputHeader)) {
      this.#u32[index] = offsets[field as keyof Offsets]
    }
    let tokenIndex = 0
    let sampleIndex = 0
    for (const [index, scheduled] of output.sequences.entries()) {
      this.#u32[offsets.queryStart + index] = tokenIndex
      this.#writeTokens(offsets, scheduled, index, tokenIndex)
      this.#writeSequence(offsets, scheduled, index)
      tokenIndex += scheduled.numScheduledTokens
      if (scheduled.samples) {
        const at = offsets.sampleRows + sampleIndex * sampleRowLength
        this.#writeSampleRow(at, scheduled, tokenIndex - 1)
        sampleIndex += 1
      }
    }
    this.#u32[offsets.queryStart + output.sequences.length] = tokenIndex
    return this.#u32.subarray(0, length)
  }

  #reserve(length: number): void {
    if (length <= this.#u32.length) return
    this.#u32 = new Uint32Array(Math.max(length, 2 * this.#u32.length))
    this.#f32 = new Float32Array(this.#u32.buffer)
  }

  #writeTokens(offsets: Offsets, scheduled: ScheduledSequence, index: number, first: number): void {
    const { sequence, slot, start, numScheduledTokens } = scheduled
    for (let row = 0; row < numScheduledTokens; row++) {
      const position = start + row
      const token = first + row
      const block = sequence.blockTable[Math.floor(position / blockSize)]!
      this.#u32[offsets.tokenIds + token] = sequence.tokenIds[position] ?? lastTokenFlag | slot
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

  #writeSampleRow(at: number, scheduled: ScheduledSequence, tokenIndex: number): void {
    const { sequence, slot, start, numScheduledTokens } = scheduled
    const { temperature, topK, topP, minP } = sequence.samplingParams
    const [seedLow, seedHigh] = sequence.seed
    this.#u32[at + sampleRow.tokenIndex] = tokenIndex
    this.#u32[at + sampleRow.slot] = slot
    this.#f32[at + sampleRow.temperature] = temperature
    this.#u32[at + sampleRow.topK] = topK
    this.#f32[at + sampleRow.topP] = topP
    this.#f32[at + sampleRow.minP] = minP
    this.#u32[at + sampleRow.seedLow] = seedLow
    this.#u32[at + sampleRow.seedHigh] = seedHigh
    this.#u32[at + sampleRow.position] = start + numScheduledTokens
  }
}

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
  }
}
