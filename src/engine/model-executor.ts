/** What an executor needs to size its dispatches without reading the step input back. */
export type StepSummary = {
  /** 1, 2, 3, ... in submission order. */
  readonly stepId: number
  /** Rows of the step: one a scheduled token. */
  readonly numTokens: number
  readonly numSequences: number
  /** Rows whose next token is drawn; 0 in a step of unfinished prefill chunks alone. */
  readonly numSamples: number
  /** The first sequences of the batch, one row each, whose row is drawn from. */
  readonly numDecodeSequences: number
  /** Most keys that any sequence of the step attends to. */
  readonly maxContextLength: number
  /** Most rows that any sequence of the step has. */
  readonly maxQueryLength: number
}

/** A submitted step. */
export type StepHandle = {
  /**
   * One id a sample row, in the order of the rows (empty without samples). Resolves once the GPU
   * has finished the step, since KV blocks are handed on at that moment; rejects with an
   * `EngineError` when the step failed.
   */
  readonly sampledTokenIds: Promise<Uint32Array>
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
  /**
   * Submits one step and returns without waiting for it. `stepInput` (laid out in `step-input.ts`)
   * is reused by the next step, so it must be copied or uploaded before this returns.
   *
   * @throws EngineError when the step can't be submitted.
   */
  execute(stepInput: Uint32Array<ArrayBuffer>, summary: StepSummary): StepHandle
  dispose(): void
}
