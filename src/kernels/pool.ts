import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import poolSource from '../../shaders/pool.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

/** Which rows of a text stand for it: the mean of all, the first (`[CLS]`) or the last. */
export type Pooling = 'mean' | 'cls' | 'last'

const poolingNumbers: Readonly<Record<Pooling, number>> = { mean: 0, cls: 1, last: 2 }
const groupChannels = 64

export const pool = defineKernel({
  name: 'pool',
  modules: [stepInput, poolSource],
  overrides: ['WIDTH', 'ROW_LANES', 'POOLING'],
  bindings: { step: 'read', x: 'read', out: 'read_write' },
})

export const specs = [pool]

/** `x` is f32 [tokens][width], `out` f32 [sequences][width]; `width` is a multiple of 4. */
export const bindPool = async (
  pipelines: PipelineCache,
  reduction: Reduction,
  options: {
    readonly pooling: Pooling
    readonly width: number
    readonly step: Tensor
    readonly x: Tensor
    readonly out: Tensor
  },
): Promise<BoundKernel> => {
  const { pooling, width, ...tensors } = options
  const kernel = await pipelines.compile(pool, {
    WIDTH: width,
    ROW_LANES: reduction === 'none' || pooling !== 'mean' ? 1 : 16,
    POOLING: poolingNumbers[pooling],
  })
  return kernel.bind(tensors)
}

export const poolGrid = (width: number, numSequences: number): Grid => [
  Math.ceil(width / groupChannels),
  numSequences,
  1,
]
