import addPositionsSource from '../../shaders/add-positions.wgsl?raw'
import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const workgroupSize = 64

const addPositions = defineKernel({
  name: 'add-positions',
  modules: [stepInput, flatGridModule, addPositionsSource],
  overrides: ['WORKGROUP_SIZE', 'HIDDEN_SIZE'],
  bindings: { step: 'read', table: 'read', out: 'read_write' },
})

export const specs = [addPositions]

/** `table` is f32 [positions][hiddenSize], `out` f32 [tokens][hiddenSize]; a multiple of 4 wide. */
export const bindAddPositions = async (
  pipelines: PipelineCache,
  hiddenSize: number,
  tensors: { readonly step: Tensor; readonly table: Tensor; readonly out: Tensor },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(addPositions, {
    WORKGROUP_SIZE: workgroupSize,
    HIDDEN_SIZE: hiddenSize,
  })
  return kernel.bind(tensors)
}

export const addPositionsGrid = (numTokens: number, hiddenSize: number): Grid =>
  flatGrid(Math.ceil((numTokens * hiddenSize) / 4 / workgroupSize))
