import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import sourceBf16 from '../../shaders/lib/source-bf16.wgsl?raw'
import sourceF16 from '../../shaders/lib/source-f16.wgsl?raw'
import sourceF32 from '../../shaders/lib/source-f32.wgsl?raw'
import storeBlocks from '../../shaders/lib/store-blocks.wgsl?raw'
import storeF16 from '../../shaders/lib/store-f16.wgsl?raw'
import storeF32 from '../../shaders/lib/store-f32.wgsl?raw'
import storeQ4 from '../../shaders/lib/store-q4.wgsl?raw'
import storeQ8 from '../../shaders/lib/store-q8.wgsl?raw'
import quantizeSource from '../../shaders/quantize.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import type { WeightFormat } from './weight-format.ts'

/** Formats that weights of files are brought into while they load. */
export type TargetFormat = Extract<WeightFormat, 'f32' | 'f16' | 'q8' | 'q4'>

/** Element types of files, as safetensors names them. */
export type SourceDtype = 'F32' | 'F16' | 'BF16'

const workgroupSize = 64
const sources: Readonly<Record<SourceDtype, string>> = {
  F32: sourceF32,
  F16: sourceF16,
  BF16: sourceBf16,
}
const stores: Readonly<Record<TargetFormat, readonly string[]>> = {
  f32: [storeF32],
  f16: [storeF16],
  q8: [storeBlocks, storeQ8],
  q4: [storeBlocks, storeQ4],
}

export const quantize = (dtype: SourceDtype, format: TargetFormat) =>
  defineKernel({
    name: 'quantize',
    modules: [flatGridModule, sources[dtype], ...stores[format], quantizeSource],
    overrides: ['WORKGROUP_SIZE'],
    bindings: { params: 'read', source: 'read', weight: 'read_write', scales: 'read_write' },
  })

export const specs = (['F32', 'F16', 'BF16'] as const).flatMap((dtype) =>
  (['f32', 'f16', 'q8', 'q4'] as const).map((format) => quantize(dtype, format)),
)

/** `params` holds five u32: rows, columns, first and stride of destination rows, first source row. */
export const bindQuantize = async (
  pipelines: PipelineCache,
  dtype: SourceDtype,
  format: TargetFormat,
  tensors: {
    readonly params: Tensor
    readonly source: Tensor
    readonly weight: Tensor
    readonly scales: Tensor
  },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(quantize(dtype, format), { WORKGROUP_SIZE: workgroupSize })
  return kernel.bind(tensors)
}

export const quantizeGrid = (numRows: number, columns: number): Grid =>
  flatGrid(Math.ceil((numRows * Math.ceil(columns / 64)) / workgroupSize))
