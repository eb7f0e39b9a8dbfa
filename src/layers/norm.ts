import type { Tensor } from '../gpu/tensor.ts'

/** RMSNorm of rows, x / sqrt(mean(x^2) + eps) * weight; or LayerNorm, where it has a `layer`. */
export type Norm = {
  /** f32 [columns]. */
  readonly weight: Tensor
  readonly eps: number
  readonly layer?: {
    readonly bias: Tensor | null
    /** Scratch f32 [rows][columns]: a product reads the normed rows from there. */
    readonly output: Tensor
  }
}
