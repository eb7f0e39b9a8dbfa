import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import moeCombineSource from '../../shaders/moe-combine.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const workgroupSize = 64

export const moeCombine = defineKernel({
  name: 'moe-combine',
  modules: [stepInput, flatGridModule, moeCombineSource],
  overrides: ['WORKGROUP_SIZE', 'HIDDEN_SIZE', 'TOP_K', 'HAS_SUM_OF_ONE', 'SCALE'],
  bindings: { step: 'read', shares: 'read', x: 'read', out: 'read_write' },
})

export const specs = [moeCombine]

/** f32: `shares` [tokens][topK], `x` [tokens][topK][hiddenSize], `out` [tokens][hiddenSize]. */
export const bindMoeCombine = async (
  pipelines: PipelineCache,
  options: {
    readonly hiddenSize: number
    readonly topK: number
    /** A token's shares are divided by their sum. */
    readonly hasSumOfOne: boolean
    /** Factor of what is added. */
    readonly scale: number
  },
  tensors: Readonly<Record<keyof (typeof moeCombine)['bindings'], Tensor>>,
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(moeCombine, {
    WORKGROUP_SIZE: workgroupSize,
    HIDDEN_SIZE: options.hiddenSize,
    TOP_K: options.topK,
    HAS_SUM_OF_ONE: options.hasSumOfOne ? 1 : 0,
    SCALE: options.scale,
  })
  return kernel.bind(tensors)
}

export const moeCombineGrid = (numTokens: number, hiddenSize: number): Grid =>
  flatGrid(Math.ceil((numTokens * hiddenSize) / 4 / workgroupSize))
