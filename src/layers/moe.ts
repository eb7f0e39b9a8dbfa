import { EngineError } from '../errors.ts'
import type { CommandRecorder, Grid } from '../gpu/command-recorder.ts'
import type { BoundKernel } from '../gpu/pipeline-cache.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { gatedEpilogues, type Activation } from '../kernels/linear-spec.ts'
import { bindMoeCombine, moeCombineGrid } from '../kernels/moe-combine.ts'
import { bindMoeGroup, maxMoeTiles, moeGroupGrid, moeTileBytes } from '../kernels/moe-group.ts'
import {
  bindMoeMatvec,
  moeMatvecGrid,
  moeTiles,
  type MoeMatvecOptions,
  type MoeTile,
} from '../kernels/moe-matvec.ts'
import { bindMoeRoute, moeRouteGrid } from '../kernels/moe-route.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'
import { createLinear } from './linear.ts'
import type { Norm } from './norm.ts'
import type { ResidualOptions } from './residual-linear.ts'

export type MoeShape = {
  readonly hiddenSize: number
  readonly numExperts: number
  /** Experts of a token. */
  readonly topK: number
  /** Width of one expert. */
  readonly intermediateSize: number
}

/** What the layers of a model share; written anew by each. */
export type MoeScratch = {
  readonly maxNumTokens: number
  /** f32 [tokens][numExperts]. */
  readonly logits: Tensor
  /** u32: the number of (token, expert) pairs, then the expert of each, topK a token. */
  readonly pairs: Tensor
  /** f32 [tokens][topK]. */
  readonly shares: Tensor
  /** The pairs in tiles of one expert; see `shaders/moe-group.wgsl`. */
  readonly tiles: Tensor
  /** f32 [tokens][topK][intermediateSize]. */
  readonly activation: Tensor
  /** f32 [tokens][topK][hiddenSize]. */
  readonly outputs: Tensor
}

/** Room for the largest step. */
export const createMoeScratch = (
  { context: { device } }: Gpu,
  { hiddenSize, numExperts, topK, intermediateSize }: MoeShape,
  maxNumTokens: number,
): MoeScratch => {
  const numPairs = maxNumTokens * topK
  const tileBytes = moeTiles.slice(1).map((rows) => moeTileBytes(numPairs, numExperts, rows))
  const rows = (label: string, count: number, width: number) =>
    createTensor(device, label, count * width * 4)
  return {
    maxNumTokens,
    logits: rows('router logits', maxNumTokens, numExperts),
    pairs: rows('expert pairs', 1 + numPairs, 1),
    shares: rows('expert shares', numPairs, 1),
    tiles: createTensor(device, 'expert tiles', Math.max(...tileBytes)),
    activation: rows('expert activation', numPairs, intermediateSize),
    outputs: rows('expert outputs', numPairs, hiddenSize),
  }
}

export type MoeOptions = MoeShape & {
  /** Without a norm. */
  readonly residual: ResidualOptions
  /** RMSNorm. */
  readonly norm?: Norm
  readonly activation: Activation
  /** The shares of a token's experts are divided by their sum. */
  readonly hasSumOfOne: boolean
  /** f32 [numExperts][hiddenSize]. In full precision: a wrong expert costs more than its bytes. */
  readonly router: Tensor
  /** [numExperts * 2 * intermediateSize][hiddenSize], row 2j the gate's and row 2j + 1 up's row j. */
  readonly gateUp: WeightMatrix
  /** [numExperts * hiddenSize][intermediateSize]. */
  readonly down: WeightMatrix
  readonly scratch: MoeScratch
}

export type Moe = { encode(recorder: CommandRecorder, numTokens: number): void }

/** The counts of a workgroup that groups pairs must fit into the 16 KiB that every adapter has. */
const maxNumExperts = 2048

const checkShape = (options: MoeOptions): void => {
  const { hiddenSize, intermediateSize, numExperts, topK, router, gateUp, down } = options
  if (hiddenSize % 4 !== 0 || intermediateSize % 4 !== 0) {
    throw new EngineError(
      'unsupported-model',
      `The model's experts are ${hiddenSize} wide outside and ${intermediateSize} inside; the ` +
        'kernels need multiples of 4. Choose another model.',
    )
  }
  if (numExperts > maxNumExperts || topK > numExperts) {
    throw new EngineError(
      'unsupported-model',
      `The model chooses ${topK} of ${numExperts} experts; Quire runs up to ${maxNumExperts}, and ` +
        'none can be chosen twice. Check its config.json.',
    )
  }
  if (options.residual.norm || options.norm?.layer) {
    throw new EngineError(
      'unsupported-model',
      'The model norms what its experts add, or has LayerNorms; Quire runs experts with RMSNorms ' +
        'of what they read. Choose another model.',
    )
  }
  const fits =
    router.byteLength === Math.ceil((numExperts * hiddenSize) / 4) * 16 &&
    gateUp.rows === numExperts * 2 * intermediateSize &&
    gateUp.columns === hiddenSize &&
    down.rows === numExperts * hiddenSize &&
    down.columns === intermediateSize
  if (fits) return
  throw new EngineError(
    'invalid-file',
    `The weights of ${router.label} and its experts (${gateUp.rows} x ${gateUp.columns} and ` +
      `${down.rows} x ${down.columns}) are not those of ${numExperts} experts of ` +
      `${hiddenSize} x ${intermediateSize}. Check that config.json belongs to these weights.`,
    { details: { tensor: router.label } },
  )
}

/** From the router's logits to the pairs. */
const createRouter = async (gpu: Gpu, options: MoeOptions): Promise<Moe> => {
  const { residual, router, norm, scratch, hiddenSize, numExperts } = options
  const { hidden, step } = residual
  const { logits, pairs, shares } = scratch
  const unused = createTensor(gpu.context.device, 'unused', 16)
  const weight: WeightMatrix = {
    rows: numExperts,
    columns: hiddenSize,
    shards: [{ firstRow: 0, numRows: numExperts, format: 'f32', weight: router, scales: unused }],
  }
  const [linear, route] = await Promise.all([
    createLinear(gpu, {
      weight,
      input: hidden,
      output: logits,
      step,
      ...(norm && { norm }),
      epilogue: 'store',
      rowCount: 'tokens',
      maxRows: scratch.maxNumTokens,
    }),
    bindMoeRoute(gpu.pipelines, options, { step, logits, pairs, shares }),
  ])
  return {
    encode: (recorder, numTokens) => {
      linear.encode(recorder, numTokens)
      recorder.dispatch(route, moeRouteGrid(numTokens, numExperts))
    },
  }
}

type Dispatch = { readonly kernel: BoundKernel; readonly grid: (numTiles: number) => Grid }

/** One kernel a shard of the matrix. */
const bindShards = (
  { pipelines }: Gpu,
  weight: WeightMatrix,
  shape: Omit<MoeMatvecOptions, 'shard' | 'columns'>,
  tensors: { readonly tiles: Tensor; readonly x: Tensor; readonly out: Tensor },
): Promise<Dispatch[]> =>
  Promise.all(
    weight.shards.map(async (shard) => {
      const options = { ...shape, shard, columns: weight.columns }
      const kernel = await bindMoeMatvec(pipelines, options, tensors)
      return { kernel, grid: (numTiles: number) => moeMatvecGrid(options, numTiles) }
    }),
  )

/** The experts' matrices over tiles of so many pairs, which are grouped first unless it is one. */
const createExperts = async (gpu: Gpu, options: MoeOptions, tile: MoeTile): Promise<Moe> => {
  const { norm, scratch, hiddenSize, intermediateSize, numExperts, topK } = options
  const { pairs, activation, outputs } = scratch
  const { reduction } = gpu.context
  const tiles = tile === 1 ? pairs : scratch.tiles
  const [group, gateUp, down] = await Promise.all([
    tile === 1
      ? null
      : bindMoeGroup(gpu.pipelines, { numExperts, rows: tile }, { pairs, tiles: scratch.tiles }),
    bindShards(
      gpu,
      options.gateUp,
      {
        epilogue: gatedEpilogues[options.activation],
        reduction,
        tile,
        numRows: 2 * intermediateSize,
        outputs: intermediateSize,
        pairsPerRow: topK,
        ...(norm && { norm }),
      },
      { tiles, x: options.residual.hidden, out: activation },
    ),
    bindShards(
      gpu,
      options.down,
      {
        epilogue: 'store',
        reduction,
        tile,
        numRows: hiddenSize,
        outputs: hiddenSize,
        pairsPerRow: 1,
      },
      { tiles, x: activation, out: outputs },
    ),
  ])
  return {
    encode: (recorder, numTokens) => {
      const numTiles = maxMoeTiles(numTokens * topK, numExperts, tile)
      if (group) recorder.dispatch(group, moeGroupGrid)
      for (const { kernel, grid } of gateUp) recorder.dispatch(kernel, grid(numTiles))
      for (const { kernel, grid } of down) recorder.dispatch(kernel, grid(numTiles))
    },
  }
}

/** Tiles pay where experts have the pairs to fill them; the host only knows how many on average. */
const chooseTile = (numTokens: number, { topK, numExperts }: MoeShape): MoeTile =>
  moeTiles.findLast((tile) => tile <= (2 * numTokens * topK) / numExperts) ?? 1

/**
 * hidden += sum over the chosen experts of share * down(act(gate(x)) * up(x)), x = norm(hidden): a
 * router scores all experts, and a token's topK best are multiplied and weighed by the softmax of
 * their scores. Five dispatches, or six where pairs are grouped by expert. The sum of a token's
 * experts does not depend on the other tokens.
 *
 * @throws EngineError `unsupported-model` for sizes that the kernels do not know, `invalid-file` for
 * weights of other sizes.
 */
export const createMoe = async (gpu: Gpu, options: MoeOptions): Promise<Moe> => {
  checkShape(options)
  const { residual, hiddenSize, scratch } = options
  const { shares, outputs, maxNumTokens } = scratch
  const largest = chooseTile(maxNumTokens, options)
  const sizes = moeTiles.filter((tile) => tile <= largest)
  const [router, variants, combine] = await Promise.all([
    createRouter(gpu, options),
    Promise.all(sizes.map((tile) => createExperts(gpu, options, tile))),
    bindMoeCombine(
      gpu.pipelines,
      { ...options, scale: residual.scale },
      { step: residual.step, shares, x: outputs, out: residual.hidden },
    ),
  ])
  const experts = new Map(sizes.map((tile, at) => [tile, variants[at]!]))
  return {
    encode: (recorder, numTokens) => {
      router.encode(recorder, numTokens)
      experts.get(chooseTile(numTokens, options))!.encode(recorder, numTokens)
      recorder.dispatch(combine, moeCombineGrid(numTokens, hiddenSize))
    },
  }
}
