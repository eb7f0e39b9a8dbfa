import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'
import { createResidualLinear, type ResidualOptions } from './residual-linear.ts'

export type GatedMlp = { encode(recorder: CommandRecorder, numTokens: number): void }

/**
 * hidden += down(act(gate(norm(hidden))) * up(norm(hidden))), in two dispatches, with the scale and
 * the norm of `residual` on what is added.
 *
 * @param options.gateUp [2 * intermediate][hidden], row 2j the gate's and row 2j + 1 up's row j.
 * @param options.scratch f32 [tokens][intermediate].
 */
export const createGatedMlp = async (
  gpu: Gpu,
  options: {
    readonly residual: ResidualOptions
    readonly scratch: Tensor
    readonly norm?: { readonly weight: Tensor; readonly eps: number }
    readonly activation: 'silu' | 'gelu'
    readonly gateUp: WeightMatrix
    readonly down: WeightMatrix
  },
): Promise<GatedMlp> => {
  const { residual, scratch, norm } = options
  const [gateUp, down] = await Promise.all([
    createLinear(gpu, {
      weight: options.gateUp,
      input: residual.hidden,
      output: scratch,
      step: residual.step,
      ...(norm && { norm }),
      epilogue: options.activation === 'silu' ? 'swiglu' : 'geglu',
      rowCount: 'tokens',
    }),
    createResidualLinear(gpu, { ...residual, weight: options.down, input: scratch }),
  ])
  return {
    encode(recorder, numTokens) {
      gateUp.encode(recorder, numTokens)
      down.encode(recorder, numTokens)
    },
  }
}
