import gatherNormSource from '../../shaders/gather-norm.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { groupReduceModules, normWorkgroupSizes } from './group-reduce.ts'

export const gatherNorm = (reduction: Reduction) =>
  defineKernel({
    name: 'gather-norm',
    modules: [stepInput, groupReduceModules[reduction], gatherNormSource],
    overrides: ['WORKGROUP_SIZE', 'HIDDEN_SIZE', 'EPS', 'GATHERS'],
    bindings: { step: 'read', x: 'read', weight: 'read', out: 'read_write' },
  })

export const specs = (['none', 'workgroup', 'subgroup'] as const).map(gatherNorm)

/** `x` is f32 [tokens][hiddenSize], `out` f32 [samples][hiddenSize], or [tokens] if it does not gather. */
export const bindGatherNorm = async (
  pipelines: PipelineCache,
  reduction: Reduction,
  options: {
    readonly hiddenSize: number
    readonly eps: number
    readonly gathers: boolean
    readonly step: Tensor
    readonly x: Tensor
    readonly weight: Tensor
    readonly out: Tensor
  },
): Promise<BoundKernel> => {
  const { hiddenSize, eps, gathers, ...tensors } = options
  const kernel = await pipelines.compile(gatherNorm(reduction), {
    WORKGROUP_SIZE: normWorkgroupSizes[reduction],
    HIDDEN_SIZE: hiddenSize,
    EPS: eps,
    GATHERS: gathers ? 1 : 0,
  })
  return kernel.bind(tensors)
}

export const gatherNormGrid = (numRows: number): Grid => [numRows, 1, 1]
