import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import kvPage from '../../shaders/lib/kv-page.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import ropeAndPageSource from '../../shaders/rope-and-page.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { kvFormats, kvModules, type KvFormat } from './kv-format.ts'
import { groupReduceModules } from './group-reduce.ts'

// 32 lanes give each its own vec4 of a head of 128 channels.
const workgroupSizes = { none: 16, workgroup: 32, subgroup: 32 } as const

export const ropeAndPage = (reduction: Reduction, kvFormat: KvFormat) =>
  defineKernel({
    name: 'rope-and-page',
    modules: [
      stepInput,
      flatGridModule,
      groupReduceModules[reduction],
      kvModules[kvFormat],
      kvPage,
      ropeAndPageSource,
    ],
    overrides: [
      'WORKGROUP_SIZE',
      'LANES',
      'NUM_HEADS',
      'NUM_KV_HEADS',
      'HEAD_DIM',
      'ROTARY_DIM',
      'HAS_QK_NORM',
      'EPS',
      'QUERY_BETA',
      'QUERY_LENGTH',
    ],
    bindings: {
      step: 'read',
      rope: 'read',
      q_norm: 'read',
      k_norm: 'read',
      qkv: 'read_write',
      k_cache: 'read_write',
      v_cache: 'read_write',
    },
  })

export const specs: readonly KernelSpec[] = (['none', 'workgroup', 'subgroup'] as const).flatMap(
  (reduction) => kvFormats.map((kvFormat) => ropeAndPage(reduction, kvFormat)),
)

export type RopeAndPageOptions = {
  readonly reduction: Reduction
  readonly kvFormat: KvFormat
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly rotaryDim: number
  readonly hasQkNorm: boolean
  readonly eps: number
  /** Queries of position p are multiplied by 1 + beta * ln(1 + floor(p / length)). */
  readonly queryScaling?: { readonly beta: number; readonly length: number } | null
}

/** `q_norm` and `k_norm` are not read without `hasQkNorm`; any tensor of 16 bytes will do. */
export const bindRopeAndPage = async (
  pipelines: PipelineCache,
  options: RopeAndPageOptions,
  buffers: {
    readonly step: Tensor
    readonly rope: Tensor
    readonly q_norm: Tensor
    readonly k_norm: Tensor
    readonly qkv: Tensor
    readonly k_cache: Tensor
    readonly v_cache: Tensor
  },
): Promise<BoundKernel> => {
  const workgroupSize = workgroupSizes[options.reduction]
  const kernel = await pipelines.compile(ropeAndPage(options.reduction, options.kvFormat), {
    WORKGROUP_SIZE: workgroupSize,
    LANES: options.reduction === 'none' ? 1 : workgroupSize,
    NUM_HEADS: options.numHeads,
    NUM_KV_HEADS: options.numKvHeads,
    HEAD_DIM: options.headDim,
    ROTARY_DIM: options.rotaryDim,
    HAS_QK_NORM: options.hasQkNorm ? 1 : 0,
    EPS: options.eps,
    QUERY_BETA: options.queryScaling?.beta ?? 0,
    QUERY_LENGTH: options.queryScaling?.length ?? 1,
  })
  return kernel.bind(buffers)
}

/** `numHeadsInAll` counts the heads of q, k and v. */
export const ropeAndPageGrid = (
  reduction: Reduction,
  numTokens: number,
  numHeadsInAll: number,
): Grid =>
  flatGrid(
    reduction === 'none'
      ? Math.ceil((numTokens * numHeadsInAll) / workgroupSizes.none)
      : numTokens * numHeadsInAll,
  )
