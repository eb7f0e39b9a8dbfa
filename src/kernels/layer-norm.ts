import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import layerNormSource from '../../shaders/layer-norm.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { groupReduceModules, normWorkgroupSizes } from './group-reduce.ts'

export const layerNorm = (reduction: Reduction) =>
  defineKernel({
    name: 'layer-norm',
    modules: [stepInput, flatGridModule, groupReduceModules[reduction], layerNormSource],
    overrides: [
      'WORKGROUP_SIZE',
      'ROW_COUNT_WORD',
      'WIDTH',
      'EPS',
      'HAS_ADD',
      'HAS_BIAS',
      'IN_PLACE',
      'GATHERS',
    ],
    bindings: {
      step: 'read',
      x: 'read',
      add: 'read',
      weight: 'read',
      bias: 'read',
      out: 'read_write',
    },
  })

export const specs = (['none', 'workgroup', 'subgroup'] as const).map(layerNorm)

/**
 * `x`, `add` and `out` are f32 [rows][width], `weight` and `bias` f32 [width]; without `x` the rows of
 * `out` are normed in place.
 */
export const bindLayerNorm = async (
  pipelines: PipelineCache,
  reduction: Reduction,
  options: {
    readonly rowCountWord: number
    readonly width: number
    readonly eps: number
    /** Row m is the one of `x` that sample m draws from. */
    readonly gathers: boolean
    readonly step: Tensor
    readonly x: Tensor | null
    readonly add: Tensor | null
    readonly weight: Tensor
    readonly bias: Tensor | null
    readonly out: Tensor
  },
): Promise<BoundKernel> => {
  const { step, x, add, weight, bias, out } = options
  const kernel = await pipelines.compile(layerNorm(reduction), {
    WORKGROUP_SIZE: normWorkgroupSizes[reduction],
    ROW_COUNT_WORD: options.rowCountWord,
    WIDTH: options.width,
    EPS: options.eps,
    HAS_ADD: add ? 1 : 0,
    HAS_BIAS: bias ? 1 : 0,
    IN_PLACE: x ? 0 : 1,
    GATHERS: options.gathers ? 1 : 0,
  })
  const unread = weight
  return kernel.bind({
    step,
    x: x ?? unread,
    add: add ?? unread,
    weight,
    bias: bias ?? unread,
    out,
  })
}

export const layerNormGrid = (numRows: number): Grid => flatGrid(numRows)
