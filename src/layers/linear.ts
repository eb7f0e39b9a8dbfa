import { EngineError } from '../errors.ts'
import type { CommandRecorder, Grid } from '../gpu/command-recorder.ts'
import type { BoundKernel } from '../gpu/pipeline-cache.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import {
  isGated,
  type Epilogue,
  type LinearOverrides,
  type LinearTensors,
} from '../kernels/linear-spec.ts'
import { matmul, matmulGrid } from '../kernels/matmul.ts'
import {
  matvec,
  matvecGrid,
  matvecTiles,
  matvecWorkgroupSize,
  type MatvecTile,
} from '../kernels/matvec.ts'
import type { WeightFormat, WeightMatrix, WeightShard } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLayerNorm } from './layer-norm.ts'
import type { Norm } from './norm.ts'

export type LinearOptions = {
  /** W, [rows][columns]. With a gated epilogue row 2j is gate_j and row 2j + 1 is up_j. */
  readonly weight: WeightMatrix
  /** x, f32 [numRows][columns]. */
  readonly input: Tensor
  /** f32 [numRows][outputStride]. Must not overlap the input. */
  readonly output: Tensor
  /** The step's header, which holds the number of rows; see `shaders/lib/step-input.wgsl`. */
  readonly step: Tensor
  /** Norm of each input row: RMSNorm within the product, LayerNorm in a dispatch before it. */
  readonly norm?: Norm
  /** f32 [rows], added after the norm and before the epilogue. */
  readonly bias?: Tensor
  readonly epilogue: Epilogue
  /** Factor of every result before the epilogue. Default 1. */
  readonly outputScale?: number
  /** Results become softCap * tanh(result / softCap) after that; 0 for none. Default 0. */
  readonly softCap?: number
  /** Which number of the step's header counts the input's rows. */
  readonly rowCount: 'tokens' | 'samples'
  /** Floats from one output row to the next; the outputs of one row by default. */
  readonly outputStride?: number
  /** The most rows that `encode` will get, by default all that the input holds: no kernels for more. */
  readonly maxRows?: number
}

export type Linear = {
  /** Records the product of the first `numRows` rows; the number in the step's header. */
  encode(recorder: CommandRecorder, numRows: number): void
}

/** What a shard's kernels are compiled for and bound to. */
type Bound = {
  readonly format: WeightFormat
  readonly overrides: LinearOverrides
  readonly tensors: LinearTensors
}

/** A kernel bound to one shard, for at most `tile` rows at once. */
type Variant = {
  readonly tile: number
  readonly kernel: BoundKernel
  readonly grid: (numRows: number) => Grid
  /** The grid of a single tile: what a decode step dispatches, made once. */
  readonly tileGrid: Grid
}

const checkOptions = ({ weight, input, output, epilogue }: LinearOptions): void => {
  if (input.buffer === output.buffer) {
    throw new EngineError(
      'internal',
      `The linear layer '${weight.shards[0]?.weight.label}' reads and writes the buffer ` +
        `'${input.label}': give it an output of its own.`,
    )
  }
  if (isGated(epilogue) && weight.shards.some((s) => s.firstRow % 2 || s.numRows % 2)) {
    throw new EngineError(
      'internal',
      `The shards of '${weight.shards[0]?.weight.label}' split a pair of gate and up rows: cut ` +
        'them at even rows.',
    )
  }
}

const matvecVariant = async (
  { pipelines, context }: Gpu,
  epilogue: Epilogue,
  tile: MatvecTile,
  bound: Bound,
): Promise<Variant> => {
  const { reduction } = context
  const { format, overrides } = bound
  const workgroupSize = matvecWorkgroupSize(reduction, format, overrides.COLUMNS)
  const compiled = await pipelines.compile(matvec({ format, epilogue, reduction, tile }), {
    WORKGROUP_SIZE: workgroupSize,
    ...overrides,
  })
  const shape = { reduction, workgroupSize, tile }
  const grid = (numRows: number) => matvecGrid(shape, overrides.NUM_ROWS, numRows)
  return { tile, kernel: compiled.bind(bound.tensors), grid, tileGrid: grid(tile) }
}

const matmulVariant = async (
  { pipelines }: Gpu,
  epilogue: Epilogue,
  bound: Bound,
): Promise<Variant> => {
  const compiled = await pipelines.compile(matmul(bound.format, epilogue), bound.overrides)
  const grid = (numRows: number) => matmulGrid(bound.overrides.NUM_ROWS, numRows)
  return { tile: Infinity, kernel: compiled.bind(bound.tensors), grid, tileGrid: grid(1) }
}

/** Compiles every variant that some number of rows needs, and binds each to each shard, up front. */
export const createLinear = async (gpu: Gpu, options: LinearOptions): Promise<Linear> => {
  const { norm, ...rest } = options
  if (!norm?.layer) return createProduct(gpu, options)
  const { weight, eps, layer } = norm
  const { input, step, rowCount } = options
  const [layerNorm, product] = await Promise.all([
    createLayerNorm(gpu, {
      input,
      ...layer,
      weight,
      eps,
      width: options.weight.columns,
      step,
      rowCount,
    }),
    createProduct(gpu, { ...rest, input: layer.output }),
  ])
  return {
    encode: (recorder, numRows) => {
      layerNorm.encode(recorder, numRows)
      product.encode(recorder, numRows)
    },
  }
}

const createProduct = async (gpu: Gpu, options: LinearOptions): Promise<Linear> => {
  checkOptions(options)
  const { device } = gpu.context
  const { weight, norm, bias, epilogue } = options
  const dummy = norm && bias ? norm.weight : createTensor(device, 'unused', 16)
  const outputs = isGated(epilogue) ? weight.rows / 2 : weight.rows
  const shared = {
    ROW_COUNT_WORD: options.rowCount === 'tokens' ? 0 : 2,
    COLUMNS: weight.columns,
    OUT_STRIDE: options.outputStride ?? outputs,
    HAS_NORM: norm ? 1 : 0,
    EPS: norm?.eps ?? 0,
    HAS_BIAS: bias ? 1 : 0,
    OUT_SCALE: options.outputScale ?? 1,
    SOFT_CAP: options.softCap ?? 0,
  }
  const tensors = {
    step: options.step,
    x: options.input,
    norm_weight: norm?.weight ?? dummy,
    bias: bias ?? dummy,
    out: options.output,
  }
  const maxRows = options.maxRows ?? Math.floor(options.input.byteLength / (4 * weight.columns))
  const tiles = matvecTiles.filter((tile) => tile === 1 || tile / 2 < maxRows)
  const variantsOfShard = (shard: WeightShard): Promise<Variant[]> => {
    const bound = {
      format: shard.format,
      overrides: { ...shared, FIRST_ROW: shard.firstRow, NUM_ROWS: shard.numRows },
      tensors: { ...tensors, weight: shard.weight, scales: shard.scales },
    }
    const variants = tiles.map((tile) => matvecVariant(gpu, epilogue, tile, bound))
    // Without barriers matvec's tiles of 8 rows serve any number: the same sums, in the same order.
    const tiled = gpu.context.reduction !== 'none' && maxRows > 8
    return Promise.all(tiled ? [...variants, matmulVariant(gpu, epilogue, bound)] : variants)
  }
  const shards = await Promise.all(weight.shards.map(variantsOfShard))
  return {
    encode: (recorder, numRows) => {
      if (numRows === 0) return
      for (const variants of shards) {
        const variant = variants.find(({ tile }) => numRows <= tile) ?? variants.at(-1)!
        const fits = numRows <= variant.tile && variant.tile !== Infinity
        const grid = fits ? variant.tileGrid : variant.grid(numRows)
        recorder.dispatch(variant.kernel, grid)
      }
    },
  }
}
