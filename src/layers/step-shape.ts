/**
 * What the host must know of a step to choose its grids; the numbers themselves lie in the step
 * buffer (`shaders/lib/step-input.wgsl`). The decode sequences, one row each, come first.
 */
export type StepShape = {
  readonly numTokens: number
  readonly numSequences: number
  readonly numSamples: number
  readonly numDecodeSequences: number
  readonly numDecodeTokens: number
  /** The longest context among the decode sequences, the step's own keys included. */
  readonly maxContextLength: number
  /** Rows of each sequence after the decode sequences, in their order. */
  readonly prefillRowCounts: readonly number[]
}
