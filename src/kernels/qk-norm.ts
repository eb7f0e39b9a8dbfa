import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import qkNormSource from '../../shaders/qk-norm.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { groupReduceModules, normWorkgroupSizes } from './group-reduce.ts'

export const qkNorm = (reduction: Reduction) =>
  defineKernel({
    name: 'qk-norm',
    modules: [stepInput, flatGridModule, groupReduceModules[reduction], qkNormSource],
    overrides: ['WORKGROUP_SIZE', 'Q_SIZE', 'K_SIZE', 'ROW_SIZE', 'EPS'],
    bindings: { step: 'read', weight: 'read', qkv: 'read_write' },
  })

export const specs = (['none', 'workgroup', 'subgroup'] as const).map(qkNorm)

/** `qkv` is f32 [tokens][qSize + 2 * kSize], `weight` f32 [qSize + kSize]. */
export const bindQkNorm = async (
  pipelines: PipelineCache,
  reduction: Reduction,
  options: {
    readonly qSize: number
    readonly kSize: number
    readonly eps: number
    readonly step: Tensor
    readonly weight: Tensor
    readonly qkv: Tensor
  },
): Promise<BoundKernel> => {
  const { qSize, kSize, eps, ...tensors } = options
  const kernel = await pipelines.compile(qkNorm(reduction), {
    WORKGROUP_SIZE: normWorkgroupSizes[reduction],
    Q_SIZE: qSize,
    K_SIZE: kSize,
    ROW_SIZE: qSize + 2 * kSize,
    EPS: eps,
  })
  return kernel.bind(tensors)
}

export const qkNormGrid = (numTokens: number): Grid => flatGrid(2 * numTokens)
