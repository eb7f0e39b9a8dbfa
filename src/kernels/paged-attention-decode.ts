import attentionScore from '../../shaders/lib/attention-score.wgsl?raw'
import kvPage from '../../shaders/lib/kv-page.wgsl?raw'
import quadReduceSubgroup from '../../shaders/lib/quad-reduce-subgroup.wgsl?raw'
import quadReduceWorkgroup from '../../shaders/lib/quad-reduce-workgroup.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import pagedAttentionDecodeSource from '../../shaders/paged-attention-decode.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { kvFormats, kvModules, type KvFormat } from './kv-format.ts'
import {
  scoreConstants,
  scoreOverrides,
  type AttentionBuffers,
  type AttentionShape,
} from './paged-attention.ts'

const workgroupSize = 128
// Queries and sums of a group must fit 16 KiB of workgroup memory beside the weights.
const maxGroupChannels = 1024
const maxSplits = 16
// Below this a split costs more in the reduce than it gains.
const minKeysPerSplit = 128
// Enough workgroups to fill a large GPU; more splits would only lengthen the reduce.
const wantedWorkgroups = 256

export type CooperativeReduction = Exclude<Reduction, 'none'>

export const pagedAttentionDecode = (reduction: CooperativeReduction, kvFormat: KvFormat) =>
  defineKernel({
    name: 'paged-attention-decode',
    modules: [
      stepInput,
      reduction === 'subgroup' ? quadReduceSubgroup : quadReduceWorkgroup,
      kvModules[kvFormat],
      kvPage,
      attentionScore,
      pagedAttentionDecodeSource,
    ],
    overrides: [
      'WORKGROUP_SIZE',
      'NUM_HEADS',
      'NUM_KV_HEADS',
      'HEAD_DIM',
      ...scoreOverrides,
      'GROUP_HEADS',
    ],
    bindings: {
      step: 'read',
      qkv: 'read',
      k_cache: 'read',
      v_cache: 'read',
      out: 'read_write',
      partials: 'read_write',
    },
  })

export const specs: readonly KernelSpec[] = (['workgroup', 'subgroup'] as const).flatMap(
  (reduction) => kvFormats.map((kvFormat) => pagedAttentionDecode(reduction, kvFormat)),
)

type HeadCounts = Pick<AttentionShape, 'numHeads' | 'numKvHeads' | 'headDim'>

/** Query heads a workgroup: as many of a kv head's as its memory holds. */
export const groupHeads = ({ numHeads, numKvHeads, headDim }: HeadCounts): number => {
  const perKvHead = numHeads / numKvHeads
  for (let heads = Math.min(perKvHead, workgroupSize / 4); heads > 1; heads--) {
    if (perKvHead % heads === 0 && heads * headDim <= maxGroupChannels) return heads
  }
  return 1
}

/** The scratch that the splits leave for `paged-attention-reduce`, in bytes. */
export const splitPartialsBytes = (
  shape: Pick<AttentionShape, 'numHeads' | 'headDim'>,
  maxNumSequences: number,
): number => maxNumSequences * shape.numHeads * maxSplits * (shape.headDim + 4) * 4

export const bindPagedAttentionDecode = async (
  pipelines: PipelineCache,
  reduction: CooperativeReduction,
  shape: AttentionShape,
  buffers: AttentionBuffers & { readonly partials: Tensor },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(pagedAttentionDecode(reduction, shape.kvFormat), {
    WORKGROUP_SIZE: workgroupSize,
    NUM_HEADS: shape.numHeads,
    NUM_KV_HEADS: shape.numKvHeads,
    HEAD_DIM: shape.headDim,
    ...scoreConstants(shape),
    GROUP_HEADS: groupHeads(shape),
  })
  return kernel.bind(buffers)
}

/** z is the number of splits; with more than one, `paged-attention-reduce` has to follow. */
export const pagedAttentionDecodeGrid = (
  counts: HeadCounts,
  numDecodeSequences: number,
  maxContextLength: number,
): Grid => {
  const groups = counts.numHeads / groupHeads(counts)
  const splits = Math.min(
    maxSplits,
    Math.floor(maxContextLength / minKeysPerSplit),
    Math.floor(wantedWorkgroups / (numDecodeSequences * groups)),
  )
  return [numDecodeSequences, groups, Math.max(1, splits)]
}
