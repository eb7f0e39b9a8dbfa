import attentionScore from '../../shaders/lib/attention-score.wgsl?raw'
import kvPage from '../../shaders/lib/kv-page.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import pagedAttentionPrefillSource from '../../shaders/paged-attention-prefill.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import { blockSize, kvFormats, kvModules, type KvFormat } from './kv-format.ts'
import {
  scoreConstants,
  scoreOverrides,
  type AttentionBuffers,
  type AttentionShape,
} from './paged-attention.ts'

// Each thread holds at most 16 channels of its row.
const threadsPerRow = (headDim: number): number => (headDim <= 128 ? 8 : 16)

export const pagedAttentionPrefill = (kvFormat: KvFormat) =>
  defineKernel({
    name: 'paged-attention-prefill',
    modules: [stepInput, kvModules[kvFormat], kvPage, attentionScore, pagedAttentionPrefillSource],
    overrides: [
      'WORKGROUP_SIZE',
      'ROW_THREADS',
      'NUM_HEADS',
      'NUM_KV_HEADS',
      'HEAD_DIM',
      ...scoreOverrides,
    ],
    bindings: {
      step: 'read',
      qkv: 'read',
      k_cache: 'read',
      v_cache: 'read',
      out: 'read_write',
    },
  })

export const specs: readonly KernelSpec[] = kvFormats.map(pagedAttentionPrefill)

/** Rows a workgroup: the more, the fewer times K and V are read. Bounded by workgroup memory. */
export const prefillTileRows = (headDim: number, limits: GPUSupportedLimits): number => {
  const fits = (rows: number) =>
    rows * threadsPerRow(headDim) <= limits.maxComputeInvocationsPerWorkgroup &&
    ((rows + blockSize) * headDim + rows * blockSize) * 4 <= limits.maxComputeWorkgroupStorageSize
  return [32, 16].find(fits) ?? 8
}

export const bindPagedAttentionPrefill = async (
  pipelines: PipelineCache,
  tileRows: number,
  shape: AttentionShape,
  buffers: AttentionBuffers,
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(pagedAttentionPrefill(shape.kvFormat), {
    WORKGROUP_SIZE: tileRows * threadsPerRow(shape.headDim),
    ROW_THREADS: threadsPerRow(shape.headDim),
    NUM_HEADS: shape.numHeads,
    NUM_KV_HEADS: shape.numKvHeads,
    HEAD_DIM: shape.headDim,
    ...scoreConstants(shape),
  })
  return kernel.bind(buffers)
}

export const pagedAttentionPrefillGrid = (
  tileRows: number,
  numHeads: number,
  prefillRowCounts: readonly number[],
): Grid => {
  let tiles = 0
  for (const rows of prefillRowCounts) tiles += Math.ceil(rows / tileRows)
  return [tiles, numHeads, 1]
}
