import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { gatedEpilogues, type Activation } from '../kernels/linear-spec.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'
import type { Norm } from './norm.ts'
import { createResidualLinear, type ResidualOptions } from './residual-linear.ts'

export type Mlp = { encode(recorder: CommandRecorder, numTokens: number): void }

export type MlpOptions = {
  readonly residual: ResidualOptions
  /** f32 [tokens][intermediate]. */
  readonly scratch: Tensor
  readonly norm?: Norm
  readonly activation: Activation
  /** Whether `up` holds a gate too: row 2j is the gate's and row 2j + 1 up's row j. */
  readonly isGated: boolean
  /** [intermediate][hidden], or [2 * intermediate][hidden] with a gate. */
  readonly up: WeightMatrix
  /** f32 [up.rows]. */
  readonly upBias?: Tensor
  /** [hidden][intermediate]. */
  readonly down: WeightMatrix
  /** f32 [hidden]. */
  readonly downBias?: Tensor
}

/**
 * hidden += down(act(up(norm(hidden)))), or with a gate down(act(gate(norm(hidden))) * up(norm(hidden))),
 * in two dispatches besides those of norms, with the scale and the norm of `residual` on what is added.
 */
export const createMlp = async (gpu: Gpu, options: MlpOptions): Promise<Mlp> => {
  const { residual, scratch, norm, activation, upBias, downBias } = options
  const [up, down] = await Promise.all([
    createLinear(gpu, {
      weight: options.up,
      ...(upBias && { bias: upBias }),
      input: residual.hidden,
      output: scratch,
      step: residual.step,
      ...(norm && { norm }),
      epilogue: options.isGated ? gatedEpilogues[activation] : activation,
      rowCount: 'tokens',
    }),
    createResidualLinear(gpu, {
      ...residual,
      weight: options.down,
      ...(downBias && { bias: downBias }),
      input: scratch,
    }),
  ])
  return {
    encode(recorder, numTokens) {
      up.encode(recorder, numTokens)
      down.encode(recorder, numTokens)
    },
  }
}
