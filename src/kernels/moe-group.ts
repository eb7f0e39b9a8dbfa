import moeGroupSource from '../../shaders/moe-group.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const workgroupSize = 256

export const moeGroup = defineKernel({
  name: 'moe-group',
  modules: [moeGroupSource],
  overrides: ['WORKGROUP_SIZE', 'NUM_EXPERTS', 'ROWS'],
  bindings: { pairs: 'read', tiles: 'read_write' },
})

export const specs = [moeGroup]

/** The most tiles of `rows` pairs that so many pairs of so many experts make. */
export const maxMoeTiles = (numPairs: number, numExperts: number, rows: number): number =>
  Math.floor((numPairs + Math.min(numExperts, numPairs) * (rows - 1)) / rows)

/** Bytes of `tiles`. */
export const moeTileBytes = (numPairs: number, numExperts: number, rows: number): number =>
  4 * (1 + maxMoeTiles(numPairs, numExperts, rows) * (rows + 2))

/** `pairs` as moe-route writes them; `tiles` as moe-matvec reads them in tiles of `rows`. */
export const bindMoeGroup = async (
  pipelines: PipelineCache,
  { numExperts, rows }: { readonly numExperts: number; readonly rows: number },
  tensors: Readonly<Record<keyof (typeof moeGroup)['bindings'], Tensor>>,
): Promise<BoundKernel> => {
  const numbers = { WORKGROUP_SIZE: workgroupSize, NUM_EXPERTS: numExperts, ROWS: rows }
  return (await pipelines.compile(moeGroup, numbers)).bind(tensors)
}

export const moeGroupGrid: Grid = [1, 1, 1]
