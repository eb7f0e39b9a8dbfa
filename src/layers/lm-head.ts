import type { CommandRecorder } from '../gpu/command-recorder.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { bindGatherNorm, gatherNormGrid } from '../kernels/gather-norm.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'

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
    readonly norm: { readonly weight: Tensor; readonly eps: number }
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
    bindGatherNorm(gpu.pipelines, gpu.context.reduction, {
      x: hidden,
      weight: norm.weight,
      out: normed,
      step,
      hiddenSize: weight.columns,
      eps: norm.eps,
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
      recorder.dispatch(gather, gatherNormGrid(numSamples))
      linear.encode(recorder, numSamples)
    },
  }
}
