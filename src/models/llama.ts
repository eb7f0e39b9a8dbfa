import { createTensor, uploadTensor, type Tensor } from '../gpu/tensor.ts'
import { bindEmbed, embedGrid } from '../kernels/embed.ts'
import { attentionScratchBytes, createAttention } from '../layers/attention.ts'
import { createGatedMlp } from '../layers/gated-mlp.ts'
import { createLmHead } from '../layers/lm-head.ts'
import { createLinear } from '../layers/linear.ts'
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
  /** Partial results of long decodes, shared by all layers. */
  readonly scratch: Tensor
  readonly rope: Tensor
}

const allocate = ({ gpu, config, maxNumTokens, maxNumSequences, maxModelLen }: ModelBuild) => {
  const { device } = gpu.context
  const rows = (label: string, width: number) =>
    createTensor(device, label, maxNumTokens * width * 4)
  const { numHeads, numKvHeads, headDim } = config
  const table = ropeTable(config, maxModelLen)
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
    rope: uploadTensor(device, 'rope', new Float32Array(table)),
  }
}

/** norm, q/k/v projection, RoPE and attention, output projection, norm, MLP; two residual sums. */
const createLayer = async (
  build: ModelBuild,
  activations: Activations,
  layer: number,
): Promise<Model> => {
  const { gpu, config, weights, step } = build
  const { hidden, qkv, attended, activation, scratch, rope } = activations
  const name = (rest: string) => `model.layers.${layer}.${rest}`
  const projections = ['q_proj', 'k_proj', 'v_proj'].map((part) => name(`self_attn.${part}`))
  const cache = build.kvCache[layer]!
  const eps = config.rmsNormEps
  const linear = { step, rowCount: 'tokens' } as const

  const [qkvProjection, attention, output, mlp] = await Promise.all([
    createLinear(gpu, {
      ...linear,
      weight: await weights.concatenated(projections.map((part) => `${part}.weight`)),
      ...(config.attentionBias && {
        bias: await weights.vector(projections.map((part) => `${part}.bias`)),
      }),
      norm: { weight: await weights.vector([name('input_layernorm.weight')]), eps },
      input: hidden,
      output: qkv,
      epilogue: 'store',
    }),
    createAttention(gpu, {
      qkv,
      output: attended,
      kCache: cache.k,
      vCache: cache.v,
      step,
      rope,
      scratch,
      ...(config.qkNorm && {
        qNorm: await weights.vector([name('self_attn.q_norm.weight')]),
        kNorm: await weights.vector([name('self_attn.k_norm.weight')]),
      }),
      eps,
      numHeads: config.numHeads,
      numKvHeads: config.numKvHeads,
      headDim: config.headDim,
      rotaryDim: config.headDim,
      scale: 1 / Math.sqrt(config.headDim),
      kvFormat: build.kvFormat,
      maxNumSequences: build.maxNumSequences,
    }),
    createLinear(gpu, {
      ...linear,
      weight: await weights.concatenated([name('self_attn.o_proj.weight')]),
      input: attended,
      output: hidden,
      epilogue: 'add',
    }),
    createGatedMlp(gpu, {
      hidden,
      activation,
      step,
      norm: { weight: await weights.vector([name('post_attention_layernorm.weight')]), eps },
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

/** Llama 2 and 3, Mistral without a sliding window, Qwen2 and Qwen3: one network, three switches. */
export const createLlama: CreateModel = async (build) => {
  const { gpu, config, weights, step, lastTokens, logits } = build
  const activations = allocate(build)
  const { hidden } = activations

  const table = await weights.concatenated(['model.embed_tokens.weight'])
  const embed = await bindEmbed(gpu.pipelines, table, {
    step,
    last_tokens: lastTokens,
    out: hidden,
  })
  const layers: Model[] = []
  for (let layer = 0; layer < config.numLayers; layer++) {
    layers.push(await createLayer(build, activations, layer))
  }
  const lmHead = await createLmHead(gpu, {
    hidden,
    step,
    logits,
    norm: { weight: await weights.vector(['model.norm.weight']), eps: config.rmsNormEps },
    weight: config.tieWordEmbeddings ? table : await weights.concatenated(['lm_head.weight']),
    maxNumSamples: build.maxNumSequences,
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
