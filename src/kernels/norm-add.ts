import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import normAddSource from '../../shaders/norm-add.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { groupReduceModules, normWorkgroupSizes } from './group-reduce.ts'

export const normAdd = (reduction: Reduction) =>
  defineKernel({
    name: 'norm-add',
    modules: [stepInput, flatGridModule, groupReduceModules[reduction], normAddSource],
    overrides: ['WORKGROUP_SIZE', 'HIDDEN_SIZE', 'EPS', 'SCALE'],
    bindings: { step: 'read', x: 'read', weight: 'read', out: 'read_write' },
  })

export const specs = (['none', 'workgroup', 'subgroup'] as const).map(normAdd)

/** `x` and `out` are f32 [tokens][hiddenSize]; `scale` is a factor of what is added. */
export const bindNormAdd = async (
  pipelines: PipelineCache,
  reduction: Reduction,
  options: {
    readonly hiddenSize: number
    readonly eps: number
    readonly scale: number
    readonly step: Tensor
    readonly x: Tensor
    readonly weight: Tensor
    readonly out: Tensor
  },
): Promise<BoundKernel> => {
  const { hiddenSize, eps, scale, ...tensors } = options
  const kernel = await pipelines.compile(normAdd(reduction), {
    WORKGROUP_SIZE: normWorkgroupSizes[reduction],
    HIDDEN_SIZE: hiddenSize,
    EPS: eps,
    SCALE: scale,
  })
  return kernel.bind(tensors)
}

export const normAddGrid = (numTokens: number): Grid => flatGrid(numTokens)
