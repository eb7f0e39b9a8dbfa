import matvecSums from '../../shaders/lib/matvec-sums.wgsl?raw'
import tilesGroups from '../../shaders/lib/moe-tiles-groups.wgsl?raw'
import tilesPairs from '../../shaders/lib/moe-tiles-pairs.wgsl?raw'
import moeMatvecSource from '../../shaders/moe-matvec.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { epilogueModules } from './linear-spec.ts'
import { matvecGrid, matvecWorkgroupSize, reduceModules, rowsModules } from './matvec.ts'
import type { MatvecVariant } from './matvec.ts'
import { weightFormatNames, weightFormats, type WeightShard } from './weight-format.ts'

/** Pairs of a tile: one that was never grouped, or several that share an expert. */
export const moeTiles = [1, 4, 8] as const
export type MoeTile = (typeof moeTiles)[number]

export type MoeMatvecVariant = MatvecVariant & { readonly tile: MoeTile }

export const moeMatvec = ({ format, epilogue, reduction, tile }: MoeMatvecVariant) =>
  defineKernel({
    name: 'moe-matvec',
    modules: [
      tile === 1 ? tilesPairs : tilesGroups,
      epilogueModules[epilogue],
      rowsModules[tile],
      matvecSums,
      ...weightFormats[format].multiply,
      ...reduceModules(reduction, tile),
      moeMatvecSource,
    ],
    overrides: [
      'WORKGROUP_SIZE',
      'COLUMNS',
      'NUM_ROWS',
      'SHARD_FIRST',
      'SHARD_ROWS',
      'PAIRS_PER_ROW',
      'OUT_STRIDE',
      'HAS_NORM',
      'EPS',
    ],
    bindings: {
      tiles: 'read',
      x: 'read',
      weight: 'read',
      scales: 'read',
      norm_weight: 'read',
      out: 'read_write',
    },
  })

export const specs = weightFormatNames.flatMap((format) =>
  (['store', 'swiglu'] as const).flatMap((epilogue) =>
    (['none', 'workgroup', 'subgroup'] as const).flatMap((reduction) =>
      moeTiles.map((tile) => moeMatvec({ format, epilogue, reduction, tile })),
    ),
  ),
)

export type MoeMatvecOptions = Omit<MoeMatvecVariant, 'format'> & {
  /** All experts' rows one after the other, [numExperts * numRows][columns], or a part of them. */
  readonly shard: WeightShard
  readonly columns: number
  /** Weight rows of one expert. */
  readonly numRows: number
  /** Floats of a pair's outputs. */
  readonly outputs: number
  /** Pairs of a row of x. */
  readonly pairsPerRow: number
  /** RMSNorm of each row of x, weight f32 [columns]. */
  readonly norm?: { readonly weight: Tensor; readonly eps: number }
}

/** `tiles` as moe-route (in tiles of 1) or moe-group write them; `out` is f32 [pairs][outputs]. */
export const bindMoeMatvec = async (
  pipelines: PipelineCache,
  options: MoeMatvecOptions,
  tensors: { readonly tiles: Tensor; readonly x: Tensor; readonly out: Tensor },
): Promise<BoundKernel> => {
  const { shard, columns, norm } = options
  const kernel = await pipelines.compile(moeMatvec({ ...options, format: shard.format }), {
    WORKGROUP_SIZE: matvecWorkgroupSize(options.reduction, shard.format, columns),
    COLUMNS: columns,
    NUM_ROWS: options.numRows,
    SHARD_FIRST: shard.firstRow,
    SHARD_ROWS: shard.numRows,
    PAIRS_PER_ROW: options.pairsPerRow,
    OUT_STRIDE: options.outputs,
    HAS_NORM: norm ? 1 : 0,
    EPS: norm?.eps ?? 0,
  })
  const { weight, scales } = shard
  return kernel.bind({ ...tensors, weight, scales, norm_weight: norm?.weight ?? tensors.tiles })
}

/** One workgroup column a tile: tiles beyond those in the list end at once. */
export const moeMatvecGrid = (
  { reduction, shard, columns, numRows }: MoeMatvecOptions,
  numTiles: number,
): Grid => {
  const workgroupSize = matvecWorkgroupSize(reduction, shard.format, columns)
  const [groups] = matvecGrid({ reduction, workgroupSize, tile: 1 }, numRows, 1)
  const y = Math.min(numTiles, 65_535)
  return [groups, y, Math.ceil(numTiles / y)]
}
