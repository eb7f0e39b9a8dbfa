import { createLinear } from '../layers/linear.ts'
import { createMlp } from '../layers/mlp.ts'
import { createResidualLinear } from '../layers/residual-linear.ts'
import { createTokenEmbedding } from '../layers/token-embedding.ts'
import type { TensorIndex } from '../weights/safetensors.ts'
import { withOtherNames } from '../weights/tensor-names.ts'
import { withTensorRows, type TensorRows } from '../weights/tensor-rows.ts'
import type { Architecture } from './architecture.ts'
import {
  invalidField,
  otherModel,
  readActivation,
  readNumber,
  readTokenIds,
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

/** BERT norms each sum. */
const createSumNorm = (build: EncoderBuild, activations: EncoderActivations, name: string) =>
  createStreamNorm(build, activations, { weight: `${name}.weight`, bias: `${name}.bias` })

/** Embeddings of tokens, positions and the first token type, summed and normed. */
const createEmbeddings = async (
  build: EncoderBuild,
  activations: EncoderActivations,
): Promise<Model> => {
  const { gpu, weights, step, lastTokens } = build
  const tokens = await createTokenEmbedding(gpu, {
    table: await weights.concatenated(['embeddings.word_embeddings.weight']),
    scale: 1,
    positions: [
      await weights.vector(['embeddings.positions']),
      await weights.vector(['embeddings.first_token_type']),
    ],
    step,
    lastTokens,
    output: activations.hidden,
  })
  const norm = await createSumNorm(build, activations, 'embeddings.LayerNorm')
  return {
    encode(recorder, { numTokens }) {
      tokens.encode(recorder, numTokens)
      norm.encode(recorder, numTokens)
    },
  }
}

/** A weight and its bias. */
const loadLinear = async ({ weights }: EncoderBuild, names: readonly string[]) => ({
  weight: await weights.concatenated(names.map((name) => `${name}.weight`)),
  bias: await weights.vector(names.map((name) => `${name}.bias`)),
})

/** Attention and MLP, each added to the residual stream, which is then normed. */
const createLayer = async (
  build: EncoderBuild,
  activations: EncoderActivations,
  layer: number,
): Promise<Model> => {
  const { gpu, config, step } = build
  const { hidden, qkv, attended, activation } = activations
  const name = (rest: string) => `encoder.layer.${layer}.${rest}`
  const projections = ['query', 'key', 'value'].map((part) => name(`attention.self.${part}`))
  const residual = { hidden, step, scale: 1 }
  const up = await loadLinear(build, [name('intermediate.dense')])
  const down = await loadLinear(build, [name('output.dense')])
  const [qkvProjection, attention, output, attentionNorm, mlp, mlpNorm] = await Promise.all([
    createLinear(gpu, {
      ...(await loadLinear(build, projections)),
      input: hidden,
      output: qkv,
      step,
      epilogue: 'store',
      rowCount: 'tokens',
    }),
    createEncoderAttention(build, activations, layer),
    createResidualLinear(gpu, {
      ...residual,
      ...(await loadLinear(build, [name('attention.output.dense')])),
      input: attended,
    }),
    createSumNorm(build, activations, name('attention.output.LayerNorm')),
    createMlp(gpu, {
      residual,
      scratch: activation,
      activation: config.activation,
      isGated: false,
      up: up.weight,
      upBias: up.bias,
      down: down.weight,
      downBias: down.bias,
    }),
    createSumNorm(build, activations, name('output.LayerNorm')),
  ])
  return {
    encode(recorder, shape) {
      const { numTokens } = shape
      qkvProjection.encode(recorder, numTokens)
      attention.encode(recorder, shape)
      output.encode(recorder, numTokens)
      attentionNorm.encode(recorder, numTokens)
      mlp.encode(recorder, numTokens)
      mlpNorm.encode(recorder, numTokens)
    },
  }
}

const createBert: CreateEncoder = async (build) => {
  const activations = allocateEncoder(build)
  const embeddings = await createEmbeddings(build, activations)
  const layers: Model[] = []
  for (let layer = 0; layer < build.config.numLayers; layer++) {
    layers.push(await createLayer(build, activations, layer))
  }
  return {
    output: activations.hidden,
    encode(recorder, shape) {
      embeddings.encode(recorder, shape)
      for (const layer of layers) layer.encode(recorder, shape)
    },
  }
}

/** @param firstPosition The row of the position table that a text's first token takes. */
const bertLike = (
  name: string,
  prefix: string,
  firstPosition: (json: Json) => number,
): Architecture => ({
  name,
  configure: (json, base) => {
    const positions = json['position_embedding_type'] ?? 'absolute'
    if (positions !== 'absolute') {
      const quoted = JSON.stringify(positions)
      throw unsupported(`Positions of the type ${quoted} are not supported`, otherModel)
    }
    const first = firstPosition(json)
    const maxPositionEmbeddings = base.maxPositionEmbeddings - first
    if (maxPositionEmbeddings < 1) {
      throw invalidField(
        'max_position_embeddings',
        first + maxPositionEmbeddings,
        `more than ${first}`,
      )
    }
    return {
      norm: 'layer',
      normEps: readNumber(json, 'layer_norm_eps', 1e-12),
      activation: readActivation(json, 'gelu'),
      causal: false,
      learnedPositions: true,
      maxPositionEmbeddings,
      layers: base.layers.map(() => ({ window: 0, rope: null })),
    }
  },
  tensors: (index, config) => {
    const named = withOtherNames(index, (asked) => otherNames(asked, prefix))
    return withTensorRows(named, (asked) => embeddingRows(asked, named, config))
  },
  embed: { create: createBert, pooling: 'cls' },
})

/** Checkpoints with a head have a prefix, and those from before 2019 call the norms' tensors by Greek letters. */
const otherNames = (name: string, prefix: string): string[] => {
  const old = name
    .replace('LayerNorm.weight', 'LayerNorm.gamma')
    .replace('LayerNorm.bias', 'LayerNorm.beta')
  return [`${prefix}${name}`, old, `${prefix}${old}`]
}

const embeddingRows = (
  name: string,
  index: TensorIndex,
  { maxPositionEmbeddings }: ModelConfig,
): TensorRows | null => {
  if (name === 'embeddings.first_token_type') {
    return { tensor: 'embeddings.token_type_embeddings.weight', firstRow: 0, numRows: 1 }
  }
  if (name !== 'embeddings.positions') return null
  // What comes before the first position is at the table's start.
  const tensor = 'embeddings.position_embeddings.weight'
  const firstRow = Math.max(0, (index.get(tensor).shape[0] ?? 0) - maxPositionEmbeddings)
  return { tensor, firstRow, numRows: maxPositionEmbeddings }
}

const fromZero = () => 0
/** RoBERTa counts from the row after the padding token's id. */
const afterPadding = (json: Json): number => (readTokenIds(json, 'pad_token_id')[0] ?? 1) + 1

/** BERT, alone or below the head that it was trained with. */
export const bert = bertLike('BertModel', 'bert.', fromZero)
export const bertForMaskedLm = bertLike('BertForMaskedLM', 'bert.', fromZero)

/** RoBERTa and XLM-R: BERT with another start of positions. */
export const roberta = bertLike('RobertaModel', 'roberta.', afterPadding)
export const robertaForMaskedLm = bertLike('RobertaForMaskedLM', 'roberta.', afterPadding)
export const xlmRoberta = bertLike('XLMRobertaModel', 'roberta.', afterPadding)
export const xlmRobertaForMaskedLm = bertLike('XLMRobertaForMaskedLM', 'roberta.', afterPadding)
