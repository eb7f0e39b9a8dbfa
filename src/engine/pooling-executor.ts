import type { EngineError } from '../errors.ts'

/** All that the pooling engine knows of the GPU. Steps run in the order of their submission. */
export type PoolingExecutor = {
  /** For panels: the GPU's name. */
  readonly adapter: string
  /** Dispatches that the last step encoded. */
  readonly dispatchesPerStep: number
  /** Resolves once the executor can run no more steps, with the reason; never rejects. */
  readonly failed: Promise<EngineError>
  /**
   * Submits a step of whole texts, token ids each, and returns without waiting for it. The result is
   * a vector a text, f32; it rejects with an `EngineError` when the step failed.
   *
   * @throws EngineError when the step can't be submitted.
   */
  execute(texts: readonly (readonly number[])[]): Promise<Float32Array[]>
  dispose(): void
}
