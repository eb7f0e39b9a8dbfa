import linearModule from '../../shaders/lib/linear.wgsl?raw'
import matvecSums from '../../shaders/lib/matvec-sums.wgsl?raw'
import reduceNone from '../../shaders/lib/reduce-none.wgsl?raw'
import reduceSubgroup from '../../shaders/lib/reduce-subgroup.wgsl?raw'
import reduceWorkgroup from '../../shaders/lib/reduce-workgroup.wgsl?raw'
import rows1 from '../../shaders/lib/rows-1.wgsl?raw'
import rows2 from '../../shaders/lib/rows-2.wgsl?raw'
import rows4 from '../../shaders/lib/rows-4.wgsl?raw'
import rows8 from '../../shaders/lib/rows-8.wgsl?raw'
import subgroupRowsMatrix from '../../shaders/lib/subgroup-rows-matrix.wgsl?raw'
import subgroupRowsVector from '../../shaders/lib/subgroup-rows-vector.wgsl?raw'
import matvecSource from '../../shaders/matvec.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel } from '../gpu/kernel.ts'
import { epilogueModules, linearBindings, linearOverrides, type Epilogue } from './linear-spec.ts'
import { weightFormatNames, weightFormats, type WeightFormat } from './weight-format.ts'

/** Activations that a thread or workgroup multiplies at once. */
export const matvecTiles = [1, 2, 4, 8] as const
export type MatvecTile = (typeof matvecTiles)[number]

/** The modules with `rows_t`, of a tile of activations; see `shaders/lib/rows-*.wgsl`. */
export const rowsModules: Readonly<Record<MatvecTile, string>> = {
  1: rows1,
  2: rows2,
  4: rows4,
  8: rows8,
}

/** The modules with `reduce_and_finish` of each form; see `shaders/lib/reduce-*.wgsl`. */
export const reduceModules = (reduction: Reduction, tile: MatvecTile): readonly string[] => {
  if (reduction === 'none') return [reduceNone]
  if (reduction === 'workgroup') return [reduceWorkgroup]
  return [reduceSubgroup, tile === 8 ? subgroupRowsMatrix : subgroupRowsVector]
}

export type MatvecVariant = {
  readonly format: WeightFormat
  readonly epilogue: Epilogue
  readonly reduction: Reduction
  readonly tile: MatvecTile
}

export const matvec = ({ format, epilogue, reduction, tile }: MatvecVariant) =>
  defineKernel({
    name: 'matvec',
    modules: [
      linearModule,
      epilogueModules[epilogue],
      rowsModules[tile],
      matvecSums,
      ...weightFormats[format].multiply,
      ...reduceModules(reduction, tile),
      matvecSource,
    ],
    overrides: ['WORKGROUP_SIZE', ...linearOverrides],
    bindings: linearBindings,
  })

export const specs = weightFormatNames.flatMap((format) =>
  (['store', 'add', 'swiglu'] as const).flatMap((epilogue) =>
    (['none', 'workgroup', 'subgroup'] as const).flatMap((reduction) =>
      matvecTiles.map((tile) => matvec({ format, epilogue, reduction, tile })),
    ),
  ),
)

const rowsPerGroup = 4

/**
 * Threads of a workgroup. Small in the form `none`, where each has a row group of its own, so that a
 * CPU adapter's cores share a short matrix. Otherwise as many as the columns keep busy; it must not
 * depend on the number of activations, or else the order of the sum would.
 */
export const matvecWorkgroupSize = (
  reduction: Reduction,
  format: WeightFormat,
  columns: number,
): number => {
  if (reduction === 'none') return 16
  return columns / weightFormats[format].unitColumns > 32 ? 64 : 32
}

export const matvecGrid = (
  shape: {
    readonly reduction: Reduction
    readonly workgroupSize: number
    readonly tile: MatvecTile
  },
  weightRows: number,
  numRows: number,
): Grid => {
  const groups = Math.ceil(weightRows / rowsPerGroup)
  const count = shape.reduction === 'none' ? Math.ceil(groups / shape.workgroupSize) : groups
  const x = Math.min(count, 65_535)
  return [x, Math.ceil(numRows / shape.tile), Math.ceil(count / x)]
}
