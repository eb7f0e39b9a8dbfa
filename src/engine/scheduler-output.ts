import type { Sequence } from './sequence.ts'

/** The rows of one sequence in one step. */
export type ScheduledSequence = {
  readonly sequence: Sequence
  readonly slot: number
  /** `decode` is a single row from which the next token is drawn; all else is `prefill`. */
  readonly phase: 'prefill' | 'decode'
  /** Position of the first row. */
  readonly start: number
  readonly numScheduledTokens: number
  /** How many of the rows, always the last, are sample rows. */
  readonly numSamples: number
  /** Whether the row after which the sequence's next token is drawn is among these. */
  readonly draws: boolean
  /** Tokens in the last rows that are a guess; each is right if the row before it draws it. */
  readonly draftTokenIds: readonly number[]
}

/**
 * One step's work. It refers to live sequences, so the step input is made from it before the
 * scheduler is called again.
 */
export type SchedulerOutput = {
  /** 1, 2, 3, ...; steps are reported back in this order. */
  readonly stepId: number
  /** Decodes first, then prefill chunks, each in order of arrival. */
  readonly sequences: readonly ScheduledSequence[]
  readonly numTokens: number
  readonly numSamples: number
  readonly numDecodeSequences: number
}
