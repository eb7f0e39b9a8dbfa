import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import pagedAttentionReduceSource from '../../shaders/paged-attention-reduce.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import type { AttentionShape } from './paged-attention.ts'

const workgroupSize = 64

export const pagedAttentionReduce = defineKernel({
  name: 'paged-attention-reduce',
  modules: [stepInput, flatGridModule, pagedAttentionReduceSource],
  overrides: ['WORKGROUP_SIZE', 'NUM_HEADS', 'HEAD_DIM'],
  bindings: { step: 'read', partials: 'read', out: 'read_write' },
})

export const specs: readonly KernelSpec[] = [pagedAttentionReduce]

export const bindPagedAttentionReduce = async (
  pipelines: PipelineCache,
  shape: Pick<AttentionShape, 'numHeads' | 'headDim'>,
  buffers: { readonly step: Tensor; readonly partials: Tensor; readonly out: Tensor },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(pagedAttentionReduce, {
    WORKGROUP_SIZE: workgroupSize,
    NUM_HEADS: shape.numHeads,
    HEAD_DIM: shape.headDim,
  })
  return kernel.bind(buffers)
}

export const pagedAttentionReduceGrid = (
  shape: Pick<AttentionShape, 'numHeads' | 'headDim'>,
  numDecodeSequences: number,
): Grid =>
  flatGrid(Math.ceil((numDecodeSequences * shape.numHeads * shape.headDim) / 4 / workgroupSize))
