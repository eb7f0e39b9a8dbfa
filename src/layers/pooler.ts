import type { CommandRecorder } from '../gpu/command-recorder.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { bindPool, poolGrid, type Pooling } from '../kernels/pool.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear, type Linear } from './linear.ts'

/** A linear layer on pooled vectors. */
export type PooledLinear = {
  readonly weight: WeightMatrix
  /** f32 [weight.rows]. */
  readonly bias?: Tensor
  readonly activation: 'identity' | 'tanh'
}

export type Pooler = {
  /** f32 [sequences][width]. */
  readonly output: Tensor
  readonly width: number
  encode(recorder: CommandRecorder, numSequences: number): void
}

/** From the hidden states of a step's rows to one vector a sequence. */
export const createPooler = async (
  gpu: Gpu,
  options: {
    /** f32 [tokens][width]. */
    readonly hidden: Tensor
    readonly width: number
    readonly step: Tensor
    readonly pooling: Pooling
    readonly dense: readonly PooledLinear[]
    readonly maxNumSequences: number
  },
): Promise<Pooler> => {
  const { hidden, width, step, pooling, dense, maxNumSequences } = options
  const { device, reduction } = gpu.context
  const vectors = (label: string, size: number) =>
    createTensor(device, label, maxNumSequences * size * 4)
  const pooled = vectors('pooled', width)
  const kernel = await bindPool(gpu.pipelines, reduction, {
    pooling,
    width,
    step,
    x: hidden,
    out: pooled,
  })
  const layers: Linear[] = []
  let last = { output: pooled, width }
  for (const { weight, bias, activation } of dense) {
    const output = vectors('projected', weight.rows)
    const layer = await createLinear(gpu, {
      weight,
      ...(bias && { bias }),
      input: last.output,
      output,
      step,
      epilogue: 'store',
      // A cap of 1 is the hyperbolic tangent.
      softCap: activation === 'tanh' ? 1 : 0,
      rowCount: 'samples',
      maxRows: maxNumSequences,
    })
    layers.push(layer)
    last = { output, width: weight.rows }
  }
  return {
    ...last,
    encode(recorder, numSequences) {
      recorder.dispatch(kernel, poolGrid(width, numSequences))
      for (const layer of layers) layer.encode(recorder, numSequences)
    },
  }
}
