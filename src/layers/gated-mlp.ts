import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'

export type GatedMlp = { encode(recorder: CommandRecorder, numTokens: number): void }

/**
 * hidden += down(silu(gate(norm(hidden))) * up(norm(hidden))), in two dispatches.
 *
 * @param options.gateUp [2 * intermediate][hidden], row 2j the gate's and row 2j + 1 up's row j.
 * @param options.activation scratch, f32 [tokens][intermediate].
 */
export const createGatedMlp = async (
  gpu: Gpu,
  options: {
    readonly hidden: Tensor
    readonly activation: Tensor
    readonly step: Tensor
    readonly norm: { readonly weight: Tensor; readonly eps: number }
    readonly gateUp: WeightMatrix
    readonly down: WeightMatrix
  },
): Promise<GatedMlp> => {
  const { hidden, activation, step, norm } = options
  const [gateUp, down] = await Promise.all([
    createLinear(gpu, {
      weight: options.gateUp,
      input: hidden,
      output: activation,
      step,
      norm,
      epilogue: 'swiglu',
      rowCount: 'tokens',
    }),
    createLinear(gpu, {
      weight: options.down,
      input: activation,
      output: hidden,
      step,
      epilogue: 'add',
      rowCount: 'tokens',
    }),
  ])
  return {
    encode(recorder, numTokens) {
      gateUp.encode(recorder, numTokens)
      down.encode(recorder, numTokens)
    },
  }
}
