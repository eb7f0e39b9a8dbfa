import { createTensor, uploadTensor, type Tensor } from '../gpu/tensor.ts'
import { attentionScratchBytes, createAttention, type Attention } from '../layers/attention.ts'
import { createLayerNorm } from '../layers/layer-norm.ts'
import type { EncoderBuild } from './model.ts'
import { ropeTable } from './rope.ts'

// What networks that only embed (BERT and its successors) have in common.

export type EncoderActivations = {
  /** The residual stream, f32 [tokens][hiddenSize]. */
  readonly hidden: Tensor
  /** f32 [tokens][3 * numHeads * headDim]. */
  readonly qkv: Tensor
  /** f32 [tokens][numHeads * headDim]. */
  readonly attended: Tensor
  /** f32 [tokens][intermediateSize]. */
  readonly activation: Tensor
  /** Shared by all layers. */
  readonly scratch: Tensor
  /** A table for each of the config's `ropes`. */
  readonly ropes: readonly Tensor[]
}

export const allocateEncoder = (build: EncoderBuild): EncoderActivations => {
  const { config, maxNumTokens, maxNumSequences, maxModelLen } = build
  const { device } = build.gpu.context
  const { numHeads, numKvHeads, headDim, rotaryDim } = config
  const rows = (label: string, width: number) =>
    createTensor(device, label, maxNumTokens * width * 4)
  return {
    hidden: rows('hidden', config.hiddenSize),
    qkv: rows('qkv', (numHeads + 2 * numKvHeads) * headDim),
    attended: rows('attended', numHeads * headDim),
    activation: rows('activation', config.intermediateSize),
    scratch: createTensor(
      device,
      'attention scratch',
      attentionScratchBytes({ numHeads, headDim, maxNumSequences }),
    ),
    ropes: config.ropes.map((rope) =>
      uploadTensor(device, 'rope', ropeTable(rope, rotaryDim, maxModelLen)),
    ),
  }
}

/** LayerNorm of the residual stream itself, with the weight and, if it has one, the bias of those names. */
export const createStreamNorm = async (
  { gpu, config, weights, step }: EncoderBuild,
  { hidden }: EncoderActivations,
  names: { readonly weight: string; readonly bias: string | null },
) =>
  createLayerNorm(gpu, {
    input: hidden,
    output: hidden,
    weight: await weights.vector([names.weight]),
    bias: names.bias === null ? null : await weights.vector([names.bias]),
    eps: config.normEps,
    width: config.hiddenSize,
    step,
    rowCount: 'tokens',
  })

/** From qkv to attended, as the layer's config has it. */
export const createEncoderAttention = (
  build: EncoderBuild,
  { qkv, attended, scratch, ropes }: EncoderActivations,
  layer: number,
): Promise<Attention> => {
  const { gpu, config, step, kvFormat, maxNumSequences } = build
  const { window, rope } = config.layers[layer]!
  const cache = build.kvCache[layer]!
  return createAttention(gpu, {
    qkv,
    output: attended,
    kCache: cache.k,
    vCache: cache.v,
    step,
    rope: ropes[rope ?? 0]!,
    scratch,
    eps: config.normEps,
    numHeads: config.numHeads,
    numKvHeads: config.numKvHeads,
    headDim: config.headDim,
    rotaryDim: rope === null ? 0 : config.rotaryDim,
    scale: config.attentionScale,
    softCap: 0,
    window,
    causal: config.causal,
    kvFormat,
    maxNumSequences,
  })
}
