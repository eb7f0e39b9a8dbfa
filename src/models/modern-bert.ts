import { createLinear } from '../layers/linear.ts'
import { createMlp } from '../layers/mlp.ts'
import type { Norm } from '../layers/norm.ts'
import { createResidualLinear } from '../layers/residual-linear.ts'
import { createTokenEmbedding } from '../layers/token-embedding.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { withOtherNames } from '../weights/tensor-names.ts'
import { withTensorRows, type TensorRows } from '../weights/tensor-rows.ts'
import type { Architecture } from './architecture.ts'
import {
  otherModel,
  readActivation,
  readFlag,
  readInteger,
  readNumber,
  unsupported,
  type Json,
} from './config-fields.ts'
import {
  allocateEncoder,
  createEncoderAttention,
  createStreamNorm,
  type EncoderActivations,
} from './encoder-parts.ts'
import type { ModelConfig } from './model-config.ts'
import type { CreateEncoder, EncoderBuild, Model } from './model.ts'
import { readRopesByLayerType } from './rope-config.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** norm, attention, norm, gated MLP; two residual sums. The first layer's attention has no norm. */
const createLayer = async (
  build: EncoderBuild,
  activations: EncoderActivations & { readonly normed: Tensor },
  layer: number,
): Promise<Model> => {
  const { gpu, config, weights, step } = build
  const { hidden, qkv, attended, activation, normed } = activations
  const name = (rest: string) => `layers.${layer}.${rest}`
  const residual = { hidden, step, scale: 1 }
  const norm = async (part: string): Promise<Norm> => ({
    weight: await weights.vector([name(part)]),
    eps: config.normEps,
    layer: { bias: null, output: normed },
  })
  const [qkvProjection, attention, output, mlp] = await Promise.all([
    createLinear(gpu, {
      weight: await weights.concatenated([name('attn.Wqkv.weight')]),
      ...(layer > 0 && { norm: await norm('attn_norm.weight') }),
      input: hidden,
      output: qkv,
      step,
      epilogue: 'store',
      rowCount: 'tokens',
    }),
    createEncoderAttention(build, activations, layer),
    createResidualLinear(gpu, {
      ...residual,
      weight: await weights.concatenated([name('attn.Wo.weight')]),
      input: attended,
    }),
    createMlp(gpu, {
      residual,
      scratch: activation,
      norm: await norm('mlp_norm.weight'),
      activation: config.activation,
      isGated: true,
      up: await weights.interleaved([name('mlp.gate'), name('mlp.up')]),
      down: await weights.concatenated([name('mlp.Wo.weight')]),
    }),
  ])
  return {
    encode(recorder, shape) {
      const { numTokens } = shape
      qkvProjection.encode(recorder, numTokens)
      attention.encode(recorder, shape)
      output.encode(recorder, numTokens)
      mlp.encode(recorder, numTokens)
    },
  }
}

const createModernBert: CreateEncoder = async (build) => {
  const { config, gpu, maxNumTokens } = build
  const normedBytes = maxNumTokens * config.hiddenSize * 4
  const activations = {
    ...allocateEncoder(build),
    normed: createTensor(gpu.context.device, 'normed', normedBytes),
  }
  const tokens = await createTokenEmbedding(gpu, {
    table: await build.weights.concatenated(['embeddings.tok_embeddings.weight']),
    scale: 1,
    step: build.step,
    lastTokens: build.lastTokens,
    output: activations.hidden,
  })
  const firstNorm = await createStreamNorm(build, activations, {
    weight: 'embeddings.norm.weight',
    bias: null,
  })
  const layers: Model[] = []
  for (let layer = 0; layer < config.numLayers; layer++) {
    layers.push(await createLayer(build, activations, layer))
  }
  const lastNorm = await createStreamNorm(build, activations, {
    weight: 'final_norm.weight',
    bias: null,
  })
  return {
    output: activations.hidden,
    encode(recorder, shape) {
      tokens.encode(recorder, shape.numTokens)
      firstNorm.encode(recorder, shape.numTokens)
      for (const layer of layers) layer.encode(recorder, shape)
      lastNorm.encode(recorder, shape.numTokens)
    },
  }
}

const configure = (json: Json, base: ModelConfig): Partial<ModelConfig> => {
  for (const bias of ['attention_bias', 'mlp_bias', 'norm_bias']) {
    if (readFlag(json, bias, false)) {
      throw unsupported(`config.json's ${bias} is not supported for ModernBERT`, otherModel)
    }
  }
  const every = readInteger(json, 'global_attn_every_n_layers', 3)
  // The field counts both sides; a position sees half of it to each.
  const window = Math.floor(readInteger(json, 'local_attention', 128) / 2) + 1
  const thetas = {
    full: readNumber(json, 'global_rope_theta', 160_000),
    sliding: readNumber(json, 'local_rope_theta', 10_000),
  }
  return {
    norm: 'layer',
    normEps: readNumber(json, 'norm_eps', 1e-5),
    activation: readActivation(json, 'gelu'),
    causal: false,
    ropes: readRopesByLayerType(json, base.maxPositionEmbeddings, thetas),
    layers: readSlidingLayers(
      { ...json, sliding_window: window },
      base,
      (layer) => layer % every !== 0,
      (slides) => (slides ? 1 : 0),
    ),
  }
}

/** The gate is the first half of one tensor, what it gates the second. */
const halfOf = (name: string, { intermediateSize }: ModelConfig): TensorRows | null => {
  const [, layer, part] = /^(layers\.\d+\.mlp\.)(gate|up)$/.exec(name) ?? []
  if (layer === undefined) return null
  const firstRow = part === 'gate' ? 0 : intermediateSize
  return { tensor: `${layer}Wi.weight`, firstRow, numRows: intermediateSize }
}

/** ModernBERT: norms before the blocks, gated MLPs, and a window in two layers of three. */
export const modernBert: Architecture = {
  name: 'ModernBertModel',
  configure,
  tensors: (index, config) =>
    withTensorRows(
      withOtherNames(index, (name) => [`model.${name}`]),
      (name) => halfOf(name, config),
    ),
  embed: { create: createModernBert, pooling: 'cls' },
}

/** The same below the head that it was trained with. */
export const modernBertForMaskedLm: Architecture = {
  ...modernBert,
  name: 'ModernBertForMaskedLM',
}
