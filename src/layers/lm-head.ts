import type { CommandRecorder } from '../gpu/command-recorder.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'
import type { Norm } from './norm.ts'
import { createRowNorm } from './row-norm.ts'

export type LmHead = { encode(recorder: CommandRecorder, numSamples: number): void }

/** logits = weight · norm(hidden row), for the rows that are sampled and no others. */
export const createLmHead = async (
  gpu: Gpu,
  options: {
    /** f32 [tokens][hiddenSize]. */
    readonly hidden: Tensor
    readonly step: Tensor
    /** f32 [samples][vocabSize]. */
    readonly logits: Tensor
    readonly norm: Norm
    /** [vocabSize][hiddenSize]. */
    readonly weight: WeightMatrix
    /** Factor of the logits, and their cap: softCap * tanh(logit / softCap), 0 for none. */
    readonly scale: number
    readonly softCap: number
    readonly maxNumSamples: number
  },
): Promise<LmHead> => {
  const { hidden, step, logits, norm, weight, maxNumSamples } = options
  const bytes = maxNumSamples * weight.columns * 4
  const normed = createTensor(gpu.context.device, 'normed', bytes)
  const [gather, linear] = await Promise.all([
    createRowNorm(gpu, {
      input: hidden,
      output: normed,
      norm,
      width: weight.columns,
      step,
      rows: 'samples',
    }),
    createLinear(gpu, {
      weight,
      input: normed,
      output: logits,
      step,
      epilogue: 'store',
      outputScale: options.scale,
      softCap: options.softCap,
      rowCount: 'samples',
      maxRows: maxNumSamples,
    }),
  ])
  return {
    encode(recorder, numSamples) {
      gather.encode(recorder, numSamples)
      linear.encode(recorder, numSamples)
    },
  }
}
