import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import moeRouteSource from '../../shaders/moe-route.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const workgroupSize = 64

export const moeRoute = defineKernel({
  name: 'moe-route',
  modules: [stepInput, flatGridModule, moeRouteSource],
  overrides: ['WORKGROUP_SIZE', 'NUM_EXPERTS', 'TOP_K'],
  bindings: { step: 'read', logits: 'read', pairs: 'read_write', shares: 'read_write' },
})

export const specs = [moeRoute]

/**
 * `logits` is f32 [tokens][numExperts], `shares` f32 [tokens][topK]; `pairs` takes u32 1 + tokens *
 * topK.
 */
export const bindMoeRoute = async (
  pipelines: PipelineCache,
  { numExperts, topK }: { readonly numExperts: number; readonly topK: number },
  tensors: Readonly<Record<keyof (typeof moeRoute)['bindings'], Tensor>>,
): Promise<BoundKernel> => {
  const numbers = { WORKGROUP_SIZE: workgroupSize, NUM_EXPERTS: numExperts, TOP_K: topK }
  return (await pipelines.compile(moeRoute, numbers)).bind(tensors)
}

export const moeRouteGrid = (numTokens: number, numExperts: number): Grid =>
  flatGrid(Math.ceil((numTokens * numExperts) / workgroupSize))
