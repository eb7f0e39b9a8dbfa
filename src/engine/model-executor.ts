import type { EngineError } from '../errors.ts'
import type { TokenLogprobs } from './generation.ts'

/** What an executor needs to size its dispatches without reading the step input back. */
export type StepSummary = {
  /** 1, 2, 3, ... in submission order. */
  readonly stepId: number
  /** Rows of the step: one a scheduled token. */
  readonly numTokens: number
  readonly numSequences: number
  /** Sample rows; 0 in a step of unfinished prefill chunks alone. */
  readonly numSamples: number
  /** Whether any sample row has adjustments, a mask or penalties. */
  readonly adjustsLogits: boolean
  /** The highest `sampleRow.logprobs` of the step. */
  readonly logprobs: number
  /** The first sequences of the batch, one row each, whose row is drawn from. */
  readonly numDecodeSequences: number
  /** Most keys that any sequence of the step attends to. */
  readonly maxContextLength: number
  /** Most rows that any sequence of the step has. */
  readonly maxQueryLength: number
}

/** What a step drew, row by row in the order of its sample rows. */
export type StepResult = {
  readonly sampledTokenIds: Uint32Array
  /** One entry a sample row, null for rows that did not ask; null when no row did. */
  readonly logprobs: readonly (TokenLogprobs | null)[] | null
}

/**
 * How a step's tokens are drawn, where that is known only while the step is under way: words in the
 * place of those of its input from `at` on.
 */
export type SamplingInput = { readonly at: number; readonly words: Uint32Array<ArrayBuffer> }

/** A submitted step. */
export type StepHandle = {
  /**
   * Resolves once the GPU has finished the step, since KV blocks are handed on at that moment;
   * rejects with an `EngineError` when the step failed.
   */
  readonly result: Promise<StepResult>
}

/**
 * All that the engine knows of the GPU.
 *
 * Steps run in the order of their submission. Within a step, each layer writes the keys and values
 * of all rows before any row reads them: sequences that start together share prefix blocks.
 */
export type ModelExecutor = {
  /** For panels: the GPU's name. */
  readonly adapter: string
  /** Dispatches that the last step encoded. */
  readonly dispatchesPerStep: number
  /** Resolves once the executor can run no more steps, with the reason; never rejects. */
  readonly failed: Promise<EngineError>
  /**
   * Submits one step and returns without waiting for it. `stepInput` (laid out in `step-input-layout.ts`)
   * is reused by the next step, so it must be copied or uploaded before this returns. With `sampling`
   * the GPU computes logits at once, and draws from them when that has come, which is copied or uploaded
   * before anybody else who waits for it goes on; no other step follows before that.
   *
   * @throws EngineError when the step can't be submitted.
   */
  execute(
    stepInput: Uint32Array<ArrayBuffer>,
    summary: StepSummary,
    sampling?: Promise<SamplingInput>,
  ): StepHandle
  dispose(): void
}
