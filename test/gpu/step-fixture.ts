import type { StepShape } from '../../src/layers/step-shape.ts'

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
}

const floatBits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0

/** The step buffer as `shaders/lib/step-input.wgsl` reads it, decode sequences first. */
export const stepWords = (
  sequences: readonly StepSequence[],
  samples: readonly SampleKnobs[] = [],
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
  append(
    11,
    samples.flatMap((s) => [
      0,
      s.slot,
      floatBits(s.temperature),
      s.topK,
      floatBits(s.topP),
      floatBits(s.minP),
      ...s.seed,
      s.position,
      0,
      0,
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
