import { EngineError } from '../errors.ts'
import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { bindLayerNorm, layerNormGrid } from '../kernels/layer-norm.ts'
import type { Gpu } from './gpu.ts'

export type LayerNormOptions = {
  /** f32 [rows][width]. */
  readonly input: Tensor
  /** f32 [rows][width]; may be the input itself. */
  readonly output: Tensor
  /** f32 [rows][width], added to the input before it is normed. Must not be the output. */
  readonly add?: Tensor
  /** f32 [width]. */
  readonly weight: Tensor
  readonly bias: Tensor | null
  readonly eps: number
  readonly width: number
  /** The step's header, which holds the number of rows; see `shaders/lib/step-input.wgsl`. */
  readonly step: Tensor
  /** Which number of the step's header counts the rows. */
  readonly rowCount: 'tokens' | 'samples'
  /** Row m of the input is the one that sample m draws from. */
  readonly gathers?: boolean
}

export type LayerNorm = { encode(recorder: CommandRecorder, numRows: number): void }

/** output = (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias, where x = input + add. */
export const createLayerNorm = async (
  { pipelines, context }: Gpu,
  options: LayerNormOptions,
): Promise<LayerNorm> => {
  const { input, output, add = null, gathers = false } = options
  const isInPlace = input.buffer === output.buffer
  if (add?.buffer === output.buffer || (isInPlace && gathers)) {
    throw new EngineError(
      'internal',
      `The norm '${options.weight.label}' reads rows of '${output.label}' that it overwrites: give ` +
        'it an output of its own.',
    )
  }
  const kernel = await bindLayerNorm(pipelines, context.reduction, {
    rowCountWord: options.rowCount === 'tokens' ? 0 : 2,
    width: options.width,
    eps: options.eps,
    gathers,
    step: options.step,
    x: isInPlace ? null : input,
    add,
    weight: options.weight,
    bias: options.bias,
    out: output,
  })
  return {
    encode: (recorder, numRows) => recorder.dispatch(kernel, layerNormGrid(numRows)),
  }
}
