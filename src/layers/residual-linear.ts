import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { bindNormAdd, normAddGrid } from '../kernels/norm-add.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'

export type ResidualOptions = {
  /** The residual stream, f32 [tokens][weight.rows]. */
  readonly hidden: Tensor
  readonly step: Tensor
  /** Factor of what is added. */
  readonly scale: number
  /** RMSNorm of what is added, before the factor; `output` is scratch like `hidden` for it. */
  readonly norm?: { readonly weight: Tensor; readonly eps: number; readonly output: Tensor }
}

export type ResidualLinear = { encode(recorder: CommandRecorder, numTokens: number): void }

/** hidden += scale * norm(weight · input + bias): one dispatch, or two with a norm. */
export const createResidualLinear = async (
  gpu: Gpu,
  options: ResidualOptions & {
    readonly weight: WeightMatrix
    /** f32 [weight.rows]. */
    readonly bias?: Tensor
    readonly input: Tensor
  },
): Promise<ResidualLinear> => {
  const { hidden, step, scale, norm, weight, bias, input } = options
  const linear = { weight, ...(bias && { bias }), input, step, rowCount: 'tokens' } as const
  if (!norm) {
    return createLinear(gpu, { ...linear, output: hidden, epilogue: 'add', outputScale: scale })
  }
  const { pipelines, context } = gpu
  const [project, add] = await Promise.all([
    createLinear(gpu, { ...linear, output: norm.output, epilogue: 'store' }),
    bindNormAdd(pipelines, context.reduction, {
      hiddenSize: weight.rows,
      eps: norm.eps,
      scale,
      step,
      x: norm.output,
      weight: norm.weight,
      out: hidden,
    }),
  ])
  return {
    encode(recorder, numTokens) {
      project.encode(recorder, numTokens)
      recorder.dispatch(add, normAddGrid(numTokens))
    },
  }
}
