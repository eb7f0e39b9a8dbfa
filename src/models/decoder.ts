import { createTensor, uploadTensor, type Tensor } from '../gpu/tensor.ts'
import { attentionScratchBytes, createAttention } from '../layers/attention.ts'
import { createLmHead } from '../layers/lm-head.ts'
import { createLinear } from '../layers/linear.ts'
import { createMlp } from '../layers/mlp.ts'
import type { MoeScratch } from '../layers/moe.ts'
import type { Norm } from '../layers/norm.ts'
import { createResidualLinear, type ResidualOptions } from '../layers/residual-linear.ts'
import { createRowNorm } from '../layers/row-norm.ts'
import { createTokenEmbedding } from '../layers/token-embedding.ts'
import { allocateExperts, createExpertMlp } from './expert-mlp.ts'
import type { Embedding } from './architecture.ts'
import type { CreateEncoder, CreateModel, EncoderBuild, Model } from './model.ts'
import { ropeTable } from './rope.ts'

type Activations = {
  /** The residual stream, f32 [tokens][hiddenSize]. */
  readonly hidden: Tensor
  /** f32 [tokens][(numHeads + 2 * numKvHeads) * headDim]. */
  readonly qkv: Tensor
  /** f32 [tokens][numHeads * headDim]. */
  readonly attended: Tensor
  /** f32 [tokens][intermediateSize]. */
  readonly activation: Tensor
  readonly experts: MoeScratch | null
  /** What a LayerNorm makes of `hidden`. */
  readonly normed: Tensor | null
  /** What a block adds to the residual stream, where a norm comes in between. */
  readonly blockOutput: Tensor | null
  /** Partial results of long decodes, shared by all layers. */
  readonly scratch: Tensor
  /** A table for each of the config's `ropes`. */
  readonly ropes: readonly Tensor[]
}

const allocate = (build: EncoderBuild): Activations => {
  const { gpu, config, maxNumTokens, maxNumSequences, maxModelLen } = build
  const { device } = gpu.context
  const rows = (label: string, width: number) =>
    createTensor(device, label, maxNumTokens * width * 4)
  const { numHeads, numKvHeads, headDim, rotaryDim } = config
  return {
    hidden: rows('hidden', config.hiddenSize),
    qkv: rows('qkv', (numHeads + 2 * numKvHeads) * headDim),
    attended: rows('attended', numHeads * headDim),
    activation: rows('activation', config.intermediateSize),
    experts: allocateExperts(build),
    normed: config.norm === 'layer' ? rows('normed', config.hiddenSize) : null,
    blockOutput: config.normPlacement === 'pre' ? null : rows('block output', config.hiddenSize),
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

/** The norms of a block as their tensors are called: of what it reads, and of what it adds. */
const normNames = {
  pre: {
    attention: ['input_layernorm', null],
    mlp: ['post_attention_layernorm', null],
  },
  post: {
    attention: [null, 'post_attention_layernorm'],
    mlp: [null, 'post_feedforward_layernorm'],
  },
  sandwich: {
    attention: ['input_layernorm', 'post_attention_layernorm'],
    mlp: ['pre_feedforward_layernorm', 'post_feedforward_layernorm'],
  },
} as const

/** The norm whose weights stand under a name. */
const loadNorm = async (
  { config, weights }: EncoderBuild,
  { normed }: Activations,
  name: string,
): Promise<Norm> => ({
  weight: await weights.vector([`${name}.weight`], config.normOffset),
  eps: config.normEps,
  ...(normed && { layer: { bias: await weights.vector([`${name}.bias`]), output: normed } }),
})

/** The matrices of an MLP, and their biases. */
const loadMlp = async ({ config, weights }: EncoderBuild, name: string) => {
  const up = (config.gatedMlp ? ['gate_proj', 'up_proj'] : ['up_proj']).map((p) => `${name}.${p}`)
  return {
    up: await weights.interleaved(up.map((part) => `${part}.weight`)),
    down: await weights.concatenated([`${name}.down_proj.weight`]),
    ...(config.mlpBias && {
      upBias: await weights.interleavedVector(up.map((part) => `${part}.bias`)),
      downBias: await weights.vector([`${name}.down_proj.bias`]),
    }),
  }
}

/** The residual stream as a block adds to it, with the norm of that name on what it adds. */
const loadResidual = async (
  build: EncoderBuild,
  activations: Activations,
  norm: string | null,
): Promise<ResidualOptions> => {
  const { hidden, blockOutput: output } = activations
  const { step, config } = build
  return {
    hidden,
    step,
    scale: config.residualScale,
    ...(norm && output && { norm: { ...(await loadNorm(build, activations, norm)), output } }),
  }
}

/**
 * norm, q/k/v projection, RoPE and attention, output projection: the block of a layer that mixes the
 * tokens of a sequence.
 */
const createAttentionBlock = async (
  build: EncoderBuild,
  activations: Activations,
  layer: number,
): Promise<Model> => {
  const { gpu, config, weights, step } = build
  const { hidden, qkv, attended } = activations
  const { window, rope } = config.layers[layer]!
  const name = (rest: string) => `model.layers.${layer}.${rest}`
  const projections = ['q_proj', 'k_proj', 'v_proj'].map((part) => name(`self_attn.${part}`))
  const cache = build.kvCache[layer]!
  const norm = (part: string) => loadNorm(build, activations, name(part))
  const [inputNorm, outputNorm] = normNames[config.normPlacement].attention

  const [qkvProjection, attention, output] = await Promise.all([
    createLinear(gpu, {
      weight: await weights.concatenated(projections.map((part) => `${part}.weight`)),
      ...(config.attentionBias && {
        bias: await weights.vector(projections.map((part) => `${part}.bias`)),
      }),
      ...(inputNorm && { norm: await norm(inputNorm) }),
      input: hidden,
      output: qkv,
      step,
      epilogue: 'store',
      rowCount: 'tokens',
    }),
    createAttention(gpu, {
      qkv,
      output: attended,
      kCache: cache.k,
      vCache: cache.v,
      step,
      rope: activations.ropes[rope ?? 0]!,
      scratch: activations.scratch,
      ...(config.qkNorm === 'head' && {
        qNorm: (await norm('self_attn.q_norm')).weight,
        kNorm: (await norm('self_attn.k_norm')).weight,
      }),
      ...(config.qkNorm === 'all' && {
        qkNorm: await weights.vector(
          [name('self_attn.q_norm.weight'), name('self_attn.k_norm.weight')],
          config.normOffset,
        ),
      }),
      eps: config.normEps,
      numHeads: config.numHeads,
      numKvHeads: config.numKvHeads,
      headDim: config.headDim,
      rotaryDim: rope === null ? 0 : config.rotaryDim,
      scale: config.attentionScale,
      queryScaling: config.queryScaling,
      softCap: config.attentionSoftCap,
      window,
      causal: config.causal,
      kvFormat: build.kvFormat,
      maxNumSequences: build.maxNumSequences,
    }),
    createResidualLinear(gpu, {
      ...(await loadResidual(build, activations, outputNorm && name(outputNorm))),
      weight: await weights.concatenated([name('self_attn.o_proj.weight')]),
      ...(config.outputBias && {
        bias: await weights.vector([name('self_attn.o_proj.bias')]),
      }),
      input: attended,
    }),
  ])
  return {
    encode(recorder, shape) {
      qkvProjection.encode(recorder, shape.numTokens)
      attention.encode(recorder, shape)
      output.encode(recorder, shape.numTokens)
    },
  }
}

/** norm and MLP, or the experts that a layer has instead. */
const createMlpBlock = async (
  build: EncoderBuild,
  activations: Activations,
  layer: number,
): Promise<Model> => {
  const { gpu, config } = build
  const { experts: scratch } = activations
  const name = (rest: string) => `model.layers.${layer}.${rest}`
  const [inputNorm, outputNorm] = normNames[config.normPlacement].mlp
  const options = {
    residual: await loadResidual(build, activations, outputNorm && name(outputNorm)),
    ...(inputNorm && { norm: await loadNorm(build, activations, name(inputNorm)) }),
  }
  const mlp = await (scratch && config.experts?.layers[layer]
    ? createExpertMlp(build, name('mlp'), { ...options, experts: config.experts, scratch })
    : createMlp(gpu, {
        ...options,
        scratch: activations.activation,
        activation: config.activation,
        isGated: config.gatedMlp,
        ...(await loadMlp(build, name('mlp'))),
      }))
  return { encode: (recorder, { numTokens }) => mlp.encode(recorder, numTokens) }
}

/** Two blocks, each of which adds to the residual stream. */
const createLayer = async (
  build: EncoderBuild,
  activations: Activations,
  layer: number,
): Promise<Model> => {
  const [attention, mlp] = await Promise.all([
    createAttentionBlock(build, activations, layer),
    createMlpBlock(build, activations, layer),
  ])
  return {
    encode(recorder, shape) {
      attention.encode(recorder, shape)
      mlp.encode(recorder, shape)
    },
  }
}

/** The residual stream: embeddings and all layers. */
const createStream = async (build: EncoderBuild) => {
  const { gpu, config, weights, step, lastTokens } = build
  const activations = allocate(build)
  const table = await weights.concatenated(['model.embed_tokens.weight'])
  const embedding = await createTokenEmbedding(gpu, {
    table,
    scale: config.embeddingScale,
    ...(config.learnedPositions && {
      positions: [await weights.vector(['model.embed_positions.weight'])],
    }),
    step,
    lastTokens,
    output: activations.hidden,
  })
  const layers: Model[] = []
  for (let layer = 0; layer < config.numLayers; layer++) {
    layers.push(await createLayer(build, activations, layer))
  }
  const stream: Model = {
    encode(recorder, shape) {
      embedding.encode(recorder, shape.numTokens)
      for (const layer of layers) layer.encode(recorder, shape)
    },
  }
  return {
    stream,
    table,
    hidden: activations.hidden,
    norm: await loadNorm(build, activations, 'model.norm'),
  }
}

/** The network of Llama and its relatives, with the switches of `ModelConfig`. */
export const createDecoder: CreateModel = async (build) => {
  const { gpu, config, weights, step, logits } = build
  const { stream, table, hidden, norm } = await createStream(build)
  const lmHead = await createLmHead(gpu, {
    hidden,
    step,
    logits,
    norm,
    weight: config.tieWordEmbeddings ? table : await weights.concatenated(['lm_head.weight']),
    scale: config.logitScale,
    softCap: config.logitSoftCap,
    maxNumSamples: build.maxNumSamples,
  })
  return {
    encode(recorder, shape) {
      stream.encode(recorder, shape)
      lmHead.encode(recorder, shape.numSamples)
    },
  }
}

/** The same network to embed with: the normed residual stream of every row. */
const createDecoderEncoder: CreateEncoder = async (build) => {
  const { gpu, config, step, maxNumTokens } = build
  const { stream, hidden, norm } = await createStream(build)
  const width = config.hiddenSize
  const output = createTensor(gpu.context.device, 'hidden states', maxNumTokens * width * 4)
  const finalNorm = await createRowNorm(gpu, {
    input: hidden,
    output,
    norm,
    width,
    step,
    rows: 'tokens',
  })
  return {
    output,
    encode(recorder, shape) {
      stream.encode(recorder, shape)
      finalNorm.encode(recorder, shape.numTokens)
    },
  }
}

/** How decoders embed that were trained to: the last token has seen the whole text. */
export const decoderEmbedding: Embedding = { create: createDecoderEncoder, pooling: 'last' }
