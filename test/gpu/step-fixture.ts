import type { StepShape } from '../../src/layers/step-shape.ts'
import type { LogitKnobs } from '../reference/sampling.ts'

/** One sequence of a step: `numRows` new tokens after `numComputed` that are in the cache. */
export type StepSequence = {
  readonly numComputed: number
  readonly numRows: number
  readonly blockTable: readonly number[]
}

export type SampleKnobs = {
  readonly slot: number
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly seed: readonly [number, number]
  readonly position: number
  readonly adjust?: LogitKnobs
  /** The last token of `adjust.outputTokenIds` is to be found in `lastTokens[slot]` alone. */
  readonly hasPendingToken?: boolean
  /** 1 + how many tokens to report beside the target. */
  readonly logprobs?: number
  /** Those tokens; the most likely by default. */
  readonly logprobTokenIds?: readonly number[]
  /** The token to report; the drawn one by default. */
  readonly target?: number
}

/** The slot of a sample row whose token goes to no slot. */
export const noSlot = 0xffff_ffff

/** A draw from the whole distribution at temperature 1, with nothing adjusted. */
export const plainSample: SampleKnobs = {
  slot: 0,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: [0xdead_beef, 7],
  position: 0,
}

export const unadjusted: LogitKnobs = {
  allowed: null,
  bias: new Map(),
  promptTokenIds: [],
  outputTokenIds: [],
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
}

const floatBits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0

const inPrompt = 0x8000_0000

const adjustmentWords = (adjust: LogitKnobs, hasPendingToken: boolean): number[] => {
  const counted = adjust.outputTokenIds.slice(0, hasPendingToken ? -1 : undefined)
  const occurrences = new Map<number, number>()
  for (const id of adjust.promptTokenIds) occurrences.set(id, inPrompt)
  for (const id of counted) occurrences.set(id, (occurrences.get(id) ?? 0) + 1)
  const ids = new Set([...adjust.bias.keys(), ...occurrences.keys()])
  return [...ids].flatMap((id) => [
    id,
    floatBits(adjust.bias.get(id) ?? 0),
    occurrences.get(id) ?? 0,
  ])
}

const maskWords = (allowed: ReadonlySet<number>, vocabSize: number): number[] => {
  const words = Array.from({ length: Math.ceil(vocabSize / 32) }, () => 0)
  for (const id of allowed) words[id >> 5] = (words[id >> 5]! | (1 << (id & 31))) >>> 0
  return words
}

/** Appends the adjustments and masks that the samples need and returns each one's row words 11 to 17. */
const adjustmentRows = (
  samples: readonly SampleKnobs[],
  vocabSize: number,
  append: (values: readonly number[]) => number,
): number[][] => {
  // Rows of one request share its words.
  const shared = new Map<LogitKnobs, number[]>()
  return samples.map(({ adjust, hasPendingToken = false }) => {
    if (!adjust) return [0, 0, 0, floatBits(1), 0, 0, 0]
    const known = shared.get(adjust)
    if (known) return known
    const entries = adjustmentWords(adjust, hasPendingToken)
    const row = [
      append(entries),
      entries.length / 3,
      adjust.allowed ? append(maskWords(adjust.allowed, vocabSize)) : 0,
      floatBits(adjust.repetitionPenalty),
      floatBits(adjust.presencePenalty),
      floatBits(adjust.frequencyPenalty),
      hasPendingToken ? 1 : 0,
    ]
    shared.set(adjust, row)
    return row
  })
}

/** The step buffer as `shaders/lib/step-input.wgsl` reads it, decode sequences first. */
export const stepWords = (
  sequences: readonly StepSequence[],
  samples: readonly SampleKnobs[] = [],
  vocabSize = 0,
): { words: Uint32Array<ArrayBuffer>; shape: StepShape } => {
  const rows = sequences.flatMap(({ numComputed, numRows, blockTable }, sequence) =>
    Array.from({ length: numRows }, (_, row) => {
      const position = numComputed + row
      const slot = (blockTable[position >> 4] ?? 0) * 16 + (position & 15)
      return { position, slot, sequence }
    }),
  )
  const starts = [0]
  for (const { numRows } of sequences) starts.push((starts.at(-1) ?? 0) + numRows)
  const stride = Math.max(1, ...sequences.map(({ blockTable }) => blockTable.length))
  const words: number[] = Array.from({ length: 16 }, () => 0)
  const append = (header: number, values: readonly number[]) => {
    words[header] = words.length
    for (const value of values) words.push(value)
  }
  append(
    3,
    Array.from(rows, () => 0),
  )
  append(
    4,
    Array.from(rows, ({ position }) => position),
  )
  append(
    5,
    Array.from(rows, ({ slot }) => slot),
  )
  append(
    6,
    Array.from(rows, ({ sequence }) => sequence),
  )
  append(7, starts)
  append(
    8,
    Array.from(sequences, ({ numComputed, numRows }) => numComputed + numRows),
  )
  append(
    9,
    sequences.flatMap(({ blockTable }) =>
      Array.from({ length: stride }, (_, i) => blockTable[i] ?? 0),
    ),
  )
  const appendFree = (values: readonly number[]) => {
    for (const value of values) words.push(value)
    return words.length - values.length
  }
  const adjustments = adjustmentRows(samples, vocabSize, appendFree)
  const listed = samples.map(({ logprobTokenIds: ids }) => (ids ? appendFree(ids) : 0))
  append(
    11,
    samples.flatMap((s, i) => [
      0,
      s.slot,
      floatBits(s.temperature),
      s.topK,
      floatBits(s.topP),
      floatBits(s.minP),
      ...s.seed,
      s.position,
      s.logprobs ?? 0,
      s.target ?? 0xffff_ffff,
      ...(adjustments[i] ?? []),
      listed[i] ?? 0,
      0,
    ]),
  )
  const isDecode = ({ numComputed, numRows }: StepSequence) => numComputed > 0 && numRows === 1
  const firstPrefill = sequences.findIndex((sequence) => !isDecode(sequence))
  const numDecode = firstPrefill < 0 ? sequences.length : firstPrefill
  words[0] = rows.length
  words[1] = sequences.length
  words[2] = samples.length
  words[10] = stride
  words[12] = numDecode
  words[13] = numDecode
  const shape = {
    numTokens: rows.length,
    numSequences: sequences.length,
    numSamples: samples.length,
    numDecodeSequences: numDecode,
    numDecodeTokens: numDecode,
    maxContextLength: Math.max(0, ...sequences.slice(0, numDecode).map((s) => s.numComputed + 1)),
    prefillRowCounts: sequences.slice(numDecode).map((s) => s.numRows),
  }
  return { words: Uint32Array.from(words), shape }
}

/** Block tables that cross each other in the cache: no sequence's blocks are neighbours. */
export const shuffledBlockTables = (contextLengths: readonly number[]): number[][] => {
  const numBlocks = contextLengths.reduce((sum, length) => sum + Math.ceil(length / 16), 0)
  const order = Array.from({ length: numBlocks }, (_, i) => i)
  let state = 9
  for (let i = numBlocks - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const j = state % (i + 1)
    ;[order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0]
  }
  return contextLengths.map((length) => order.splice(0, Math.ceil(length / 16)))
}
