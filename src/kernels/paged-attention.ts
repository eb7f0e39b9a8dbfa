import attentionScore from '../../shaders/lib/attention-score.wgsl?raw'
import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import kvPage from '../../shaders/lib/kv-page.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import pagedAttentionSource from '../../shaders/paged-attention.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { kvFormats, kvModules, type KvFormat } from './kv-format.ts'

// Small, so that the few (token, head) pairs of a decode step spread over the cores of a CPU.
const workgroupSize = 8

/** The overrides of `lib/attention-score.wgsl`. */
export const scoreOverrides = ['SCALE', 'SOFT_CAP', 'WINDOW', 'CAUSAL'] as const

export const scoreConstants = ({ scale, softCap, window, causal }: AttentionShape) => ({
  SCALE: scale,
  SOFT_CAP: softCap,
  WINDOW: window,
  CAUSAL: causal ? 1 : 0,
})

export const pagedAttention = (kvFormat: KvFormat) =>
  defineKernel({
    name: 'paged-attention',
    modules: [
      stepInput,
      flatGridModule,
      kvModules[kvFormat],
      kvPage,
      attentionScore,
      pagedAttentionSource,
    ],
    overrides: ['WORKGROUP_SIZE', 'NUM_HEADS', 'NUM_KV_HEADS', 'HEAD_DIM', ...scoreOverrides],
    bindings: {
      step: 'read',
      qkv: 'read',
      k_cache: 'read',
      v_cache: 'read',
      out: 'read_write',
    },
  })

export const specs: readonly KernelSpec[] = kvFormats.map(pagedAttention)

/** The numbers that every attention kernel is compiled for. */
export type AttentionShape = {
  readonly kvFormat: KvFormat
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly scale: number
  /** Scores become softCap * tanh(score / softCap); 0 for none. */
  readonly softCap: number
  /** Keys that a position sees, itself included; 0 for all before it. */
  readonly window: number
  /** A position sees no later ones; if not, then as many after it as before it. */
  readonly causal: boolean
}

/**
 * `qkv` f32 [token][(numHeads + 2 * numKvHeads) * headDim], `out` f32 [token][numHeads * headDim].
 */
export type AttentionBuffers = {
  readonly step: Tensor
  readonly qkv: Tensor
  readonly k_cache: Tensor
  readonly v_cache: Tensor
  readonly out: Tensor
}

export const bindPagedAttention = async (
  pipelines: PipelineCache,
  shape: AttentionShape,
  buffers: AttentionBuffers,
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(pagedAttention(shape.kvFormat), {
    WORKGROUP_SIZE: workgroupSize,
    NUM_HEADS: shape.numHeads,
    NUM_KV_HEADS: shape.numKvHeads,
    HEAD_DIM: shape.headDim,
    ...scoreConstants(shape),
  })
  return kernel.bind(buffers)
}

export const pagedAttentionGrid = (numTokens: number, numHeads: number): Grid =>
  flatGrid(Math.ceil((numTokens * numHeads) / workgroupSize))
