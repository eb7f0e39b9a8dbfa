import { EngineError } from '../errors.ts'
import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { PipelineCache } from '../gpu/pipeline-cache.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import type { KvFormat } from '../kernels/kv-format.ts'
import {
  bindPagedAttentionDecode,
  pagedAttentionDecodeGrid,
  splitPartialsBytes,
  type CooperativeReduction,
} from '../kernels/paged-attention-decode.ts'
import {
  bindPagedAttentionPrefill,
  pagedAttentionPrefillGrid,
  prefillTileRows,
} from '../kernels/paged-attention-prefill.ts'
import {
  bindPagedAttentionReduce,
  pagedAttentionReduceGrid,
} from '../kernels/paged-attention-reduce.ts'
import {
  bindPagedAttention,
  pagedAttentionGrid,
  type AttentionBuffers,
  type AttentionShape,
} from '../kernels/paged-attention.ts'
import { bindQkNorm, qkNormGrid } from '../kernels/qk-norm.ts'
import { bindRopeAndPage, ropeAndPageGrid } from '../kernels/rope-and-page.ts'
import type { Gpu } from './gpu.ts'
import type { StepShape } from './step-shape.ts'

export type AttentionOptions = {
  /** f32 [token][(numHeads + 2 * numKvHeads) * headDim]; the heads of q are rotated in place. */
  readonly qkv: Tensor
  /** f32 [token][numHeads * headDim]. */
  readonly output: Tensor
  /** [block][kvHead][16][headDim] in `kvFormat`. */
  readonly kCache: Tensor
  readonly vCache: Tensor
  readonly step: Tensor
  /** f32 [position][rotaryDim / 2][cos, sin]. */
  readonly rope: Tensor
  /** f32 [headDim]: RMSNorm of each head before RoPE (Qwen3). Both or neither. */
  readonly qNorm?: Tensor
  readonly kNorm?: Tensor
  /** f32 [(numHeads + numKvHeads) * headDim]: RMSNorm of all of q, and of all of k, before RoPE. */
  readonly qkNorm?: Tensor
  readonly eps: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** Channels of a head that are rotated, from the first. */
  readonly rotaryDim: number
  /** Factor of the scores, 1 / sqrt(headDim) in most models. */
  readonly scale: number
  /** Queries of position p are multiplied by 1 + beta * ln(1 + floor(p / length)). */
  readonly queryScaling?: { readonly beta: number; readonly length: number } | null
  /** Scores become softCap * tanh(score / softCap); 0 for none. */
  readonly softCap: number
  /** Keys that a position sees, itself included; 0 for all before it. */
  readonly window: number
  /** A position sees no later ones; if not, then as many after it as before it. */
  readonly causal: boolean
  readonly kvFormat: KvFormat
  readonly maxNumSequences: number
  /** `attentionScratchBytes`, shared by all layers; without it the layer makes its own. */
  readonly scratch?: Tensor
}

export type Attention = {
  encode(recorder: CommandRecorder, step: StepShape): void
}

/** Bytes of the scratch that all attention layers of a model share. */
export const attentionScratchBytes = (
  options: Pick<AttentionOptions, 'numHeads' | 'headDim' | 'maxNumSequences'>,
): number => splitPartialsBytes(options, options.maxNumSequences)

const maxHeadDim = 256

const refuse = (message: string): never => {
  throw new EngineError('unsupported-model', message)
}

const checkShape = (options: AttentionOptions): void => {
  const { numHeads, numKvHeads, headDim, rotaryDim } = options
  if (headDim % 4 !== 0 || headDim > maxHeadDim) {
    refuse(
      `The model's heads have ${headDim} channels; attention needs a multiple of 4 up to ` +
        `${maxHeadDim}. Choose a model with smaller heads.`,
    )
  }
  if (rotaryDim % 8 !== 0 || rotaryDim > headDim) {
    refuse(
      `The model rotates ${rotaryDim} of ${headDim} channels a head; RoPE needs a multiple of 8 ` +
        'up to the size of the head. Choose another model.',
    )
  }
  if (numHeads % numKvHeads !== 0) {
    refuse(
      `The model has ${numHeads} query heads for ${numKvHeads} key/value heads; the former must ` +
        'be a multiple of the latter. Check its config.json.',
    )
  }
  if ((options.qNorm === undefined) !== (options.kNorm === undefined)) {
    refuse('The model has only one of q_norm and k_norm. Check that its weights are complete.')
  }
}

const createQkNorm = async (
  { pipelines, context }: Gpu,
  { qkNorm, qkv, step, eps, numHeads, numKvHeads, headDim }: AttentionOptions,
): Promise<Attention | null> => {
  if (!qkNorm) return null
  const sizes = { qSize: numHeads * headDim, kSize: numKvHeads * headDim }
  const tensors = { step, weight: qkNorm, qkv }
  const kernel = await bindQkNorm(pipelines, context.reduction, { ...sizes, eps, ...tensors })
  return { encode: (recorder, { numTokens }) => recorder.dispatch(kernel, qkNormGrid(numTokens)) }
}

const createRopeAndPage = async (
  { pipelines, context }: Gpu,
  options: AttentionOptions,
): Promise<Attention> => {
  const { reduction } = context
  const unused = options.rope
  const kernel = await bindRopeAndPage(
    pipelines,
    { ...options, reduction, hasQkNorm: options.qNorm !== undefined },
    {
      step: options.step,
      rope: options.rope,
      q_norm: options.qNorm ?? unused,
      k_norm: options.kNorm ?? unused,
      qkv: options.qkv,
      k_cache: options.kCache,
      v_cache: options.vCache,
    },
  )
  const numHeadsInAll = options.numHeads + 2 * options.numKvHeads
  return {
    encode: (recorder, step) =>
      recorder.dispatch(kernel, ropeAndPageGrid(reduction, step.numTokens, numHeadsInAll)),
  }
}

const createPlainAttention = async (
  pipelines: PipelineCache,
  shape: AttentionShape,
  buffers: AttentionBuffers,
): Promise<Attention> => {
  const kernel = await bindPagedAttention(pipelines, shape, buffers)
  return {
    encode: (recorder, step) =>
      recorder.dispatch(kernel, pagedAttentionGrid(step.numTokens, shape.numHeads)),
  }
}

const createCooperativeAttention = async (
  { pipelines, context: { device } }: Gpu,
  reduction: CooperativeReduction,
  shape: AttentionShape,
  buffers: AttentionBuffers & { readonly partials: Tensor },
): Promise<Attention> => {
  const { step, partials, out } = buffers
  const tileRows = prefillTileRows(shape.headDim, device.limits)
  const [decode, reduce, prefill] = await Promise.all([
    bindPagedAttentionDecode(pipelines, reduction, shape, buffers),
    bindPagedAttentionReduce(pipelines, shape, { step, partials, out }),
    bindPagedAttentionPrefill(pipelines, tileRows, shape, buffers),
  ])
  return {
    encode: (recorder, { numDecodeSequences, maxContextLength, prefillRowCounts }) => {
      if (numDecodeSequences > 0) {
        const grid = pagedAttentionDecodeGrid(shape, numDecodeSequences, maxContextLength)
        recorder.dispatch(decode, grid)
        if (grid[2] > 1) {
          recorder.dispatch(reduce, pagedAttentionReduceGrid(shape, numDecodeSequences))
        }
      }
      recorder.dispatch(
        prefill,
        pagedAttentionPrefillGrid(tileRows, shape.numHeads, prefillRowCounts),
      )
    },
  }
}

/**
 * Self-attention between the qkv projection and the output projection: QK-norm, RoPE, the write of
 * keys and values to their pages, and attention over the paged cache.
 *
 * @throws EngineError `unsupported-model` for head sizes that the kernels do not know.
 */
export const createAttention = async (gpu: Gpu, options: AttentionOptions): Promise<Attention> => {
  checkShape(options)
  const { reduction, device } = gpu.context
  const buffers = {
    step: options.step,
    qkv: options.qkv,
    k_cache: options.kCache,
    v_cache: options.vCache,
    out: options.output,
  }
  const createCore = (): Promise<Attention> => {
    if (reduction === 'none') return createPlainAttention(gpu.pipelines, options, buffers)
    const partials =
      options.scratch ?? createTensor(device, 'attention splits', attentionScratchBytes(options))
    return createCooperativeAttention(gpu, reduction, options, { ...buffers, partials })
  }
  const [norm, ropeAndPage, attention] = await Promise.all([
    createQkNorm(gpu, options),
    createRopeAndPage(gpu, options),
    createCore(),
  ])
  return {
    encode: (recorder, step) => {
      norm?.encode(recorder, step)
      ropeAndPage.encode(recorder, step)
      attention.encode(recorder, step)
    },
  }
}
