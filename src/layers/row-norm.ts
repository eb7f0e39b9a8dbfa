import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { bindGatherNorm, gatherNormGrid } from '../kernels/gather-norm.ts'
import type { Gpu } from './gpu.ts'
import { createLayerNorm } from './layer-norm.ts'
import type { Norm } from './norm.ts'

export type RowNorm = { encode(recorder: CommandRecorder, numRows: number): void }

/** output = norm(input), of every row or of those that samples draw from. */
export const createRowNorm = async (
  gpu: Gpu,
  options: {
    /** f32 [tokens][width]. */
    readonly input: Tensor
    /** f32 [rows][width]; not the input. */
    readonly output: Tensor
    readonly norm: Norm
    readonly width: number
    readonly step: Tensor
    readonly rows: 'tokens' | 'samples'
  },
): Promise<RowNorm> => {
  const { input, output, width, step, rows } = options
  const { weight, eps, layer } = options.norm
  const gathers = rows === 'samples'
  if (layer) {
    const { bias } = layer
    const norm = { weight, bias, eps, width, gathers }
    return createLayerNorm(gpu, { input, output, ...norm, step, rowCount: rows })
  }
  const { pipelines, context } = gpu
  const kernel = await bindGatherNorm(pipelines, context.reduction, {
    x: input,
    weight,
    out: output,
    step,
    hiddenSize: width,
    eps,
    gathers,
  })
  return { encode: (recorder, numRows) => recorder.dispatch(kernel, gatherNormGrid(numRows)) }
}
