import { createTensor, uploadTensor, type Tensor } from '../gpu/tensor.ts'
import { bindEmbed, embedGrid } from '../kernels/embed.ts'
import { attentionScratchBytes, createAttention } from '../layers/attention.ts'
import { createGatedMlp } from '../layers/gated-mlp.ts'
import { createLmHead } from '../layers/lm-head.ts'
import { createLinear } from '../layers/linear.ts'
import { createResidualLinear } from '../layers/residual-linear.ts'
import type { CreateModel, Model, ModelBuild } from './model.ts'
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
  /** What a block adds to the residual stream, where a norm comes in between. */
  readonly blockOutput: Tensor | null
  /** Partial results of long decodes, shared by all layers. */
  readonly scratch: Tensor
  /** A table for each of the config's `ropes`. */
  readonly ropes: readonly Tensor[]
}

const allocate = ({ gpu, config, maxNumTokens, maxNumSequences, maxModelLen }: ModelBuild) => {
  const { device } = gpu.context
  const rows = (label: string, width: number) =>
    createTensor(device, label, maxNumTokens * width * 4)
  const { numHeads, numKvHeads, headDim, rotaryDim } = config
  return {
    hidden: rows('hidden', config.hiddenSize),
    qkv: rows('qkv', (numHeads + 2 * numKvHeads) * headDim),
    attended: rows('attended', numHeads * headDim),
    activation: rows('activation', config.intermediateSize),
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

/** norm, q/k/v projection, RoPE and attention, output projection, norm, MLP; two residual sums. */
const createLayer = async (
  build: ModelBuild,
  activations: Activations,
  layer: number,
): Promise<Model> => {
  const { gpu, config, weights, step } = build
  const { hidden, qkv, attended, blockOutput } = activations
  const { window, rope } = config.layers[layer]!
  const name = (rest: string) => `model.layers.${layer}.${rest}`
  const projections = ['q_proj', 'k_proj', 'v_proj'].map((part) => name(`self_attn.${part}`))
  const cache = build.kvCache[layer]!
  const eps = config.rmsNormEps
  const norm = async (part: string) => ({
    weight: await weights.vector([name(`${part}.weight`)], config.normOffset),
    eps,
  })
  const residual = async (outputNorm: string | null) => ({
    hidden,
    step,
    scale: config.residualScale,
    ...(outputNorm &&
      blockOutput && { norm: { ...(await norm(outputNorm)), output: blockOutput } }),
  })
  const [attentionNorm, attentionOutputNorm] = normNames[config.normPlacement].attention
  const [mlpNorm, mlpOutputNorm] = normNames[config.normPlacement].mlp

  const [qkvProjection, attention, output, mlp] = await Promise.all([
    createLinear(gpu, {
      weight: await weights.concatenated(projections.map((part) => `${part}.weight`)),
      ...(config.attentionBias && {
        bias: await weights.vector(projections.map((part) => `${part}.bias`)),
      }),
      ...(attentionNorm && { norm: await norm(attentionNorm) }),
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
      eps,
      numHeads: config.numHeads,
      numKvHeads: config.numKvHeads,
      headDim: config.headDim,
      rotaryDim: rope === null ? 0 : config.rotaryDim,
      scale: config.attentionScale,
      softCap: config.attentionSoftCap,
      window,
      kvFormat: build.kvFormat,
      maxNumSequences: build.maxNumSequences,
    }),
    createResidualLinear(gpu, {
      ...(await residual(attentionOutputNorm)),
      weight: await weights.concatenated([name('self_attn.o_proj.weight')]),
      input: attended,
    }),
    createGatedMlp(gpu, {
      residual: await residual(mlpOutputNorm),
      scratch: activations.activation,
      ...(mlpNorm && { norm: await norm(mlpNorm) }),
      activation: config.activation,
      gateUp: await weights.interleaved([name('mlp.gate_proj.weight'), name('mlp.up_proj.weight')]),
      down: await weights.concatenated([name('mlp.down_proj.weight')]),
    }),
  ])
  return {
    encode(recorder, shape) {
      qkvProjection.encode(recorder, shape.numTokens)
      attention.encode(recorder, shape)
      output.encode(recorder, shape.numTokens)
      mlp.encode(recorder, shape.numTokens)
    },
  }
}

/** The network of Llama and its relatives, with the switches of `ModelConfig`. */
export const createDecoder: CreateModel = async (build) => {
  const { gpu, config, weights, step, lastTokens, logits } = build
  const activations = allocate(build)
  const { hidden } = activations

  const table = await weights.concatenated(['model.embed_tokens.weight'])
  const embed = await bindEmbed(
    gpu.pipelines,
    { table, scale: config.embeddingScale },
    { step, last_tokens: lastTokens, out: hidden },
  )
  const layers: Model[] = []
  for (let layer = 0; layer < config.numLayers; layer++) {
    layers.push(await createLayer(build, activations, layer))
  }
  const lmHead = await createLmHead(gpu, {
    hidden,
    step,
    logits,
    norm: {
      weight: await weights.vector(['model.norm.weight'], config.normOffset),
      eps: config.rmsNormEps,
    },
    weight: config.tieWordEmbeddings ? table : await weights.concatenated(['lm_head.weight']),
    scale: config.logitScale,
    softCap: config.logitSoftCap,
    maxNumSamples: build.maxNumSamples,
  })
  return {
    encode(recorder, shape) {
      const grid = embedGrid(shape.numTokens, config.hiddenSize)
      for (const kernel of embed) recorder.dispatch(kernel, grid)
      for (const layer of layers) layer.encode(recorder, shape)
      lmHead.encode(recorder, shape.numSamples)
    },
  }
}
