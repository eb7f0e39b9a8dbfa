import { withOtherNames } from '../weights/tensor-names.ts'
import { withTensorRows, type TensorRows } from '../weights/tensor-rows.ts'
import { withTransposedTensors } from '../weights/transposed-tensor.ts'
import type { Architecture } from './architecture.ts'
import {
  otherModel,
  readFlag,
  readInteger,
  readNumber,
  unsupported,
  type Json,
} from './config-fields.ts'
import { createDecoder } from './decoder.ts'
import type { ModelConfig } from './model-config.ts'

/** config.json has names of its own for nearly everything. */
const llamaFields = (json: Json): Json => ({
  ...json,
  hidden_size: json['n_embd'],
  num_attention_heads: json['n_head'],
  num_hidden_layers: json['n_layer'],
  max_position_embeddings: json['n_positions'],
  intermediate_size: json['n_inner'] ?? 4 * readInteger(json, 'n_embd'),
  hidden_act: json['activation_function'] ?? 'gelu_new',
  tie_word_embeddings: json['tie_word_embeddings'] ?? true,
})

const configure = (json: Json, base: ModelConfig): Partial<ModelConfig> => {
  for (const flag of ['scale_attn_by_inverse_layer_idx', 'add_cross_attention']) {
    if (readFlag(json, flag, false)) {
      throw unsupported(`config.json's ${flag} is not supported`, otherModel)
    }
  }
  return {
    norm: 'layer',
    normEps: readNumber(json, 'layer_norm_epsilon', 1e-5),
    learnedPositions: true,
    layers: base.layers.map(({ window }) => ({ window, rope: null })),
    attentionBias: true,
    outputBias: true,
    gatedMlp: false,
    mlpBias: true,
    ...(!readFlag(json, 'scale_attn_weights', true) && { attentionScale: 1 }),
  }
}

/** What the decoder calls a tensor, as rows of the file's. */
const partOf = (name: string, config: ModelConfig): TensorRows | null => {
  const { hiddenSize, intermediateSize, vocabSize, maxPositionEmbeddings } = config
  const parts: Readonly<Record<string, readonly [string, number, number]>> = {
    'model.embed_tokens': ['wte', 0, vocabSize],
    'model.embed_positions': ['wpe', 0, maxPositionEmbeddings],
    'model.norm': ['ln_f', 0, hiddenSize],
    input_layernorm: ['ln_1', 0, hiddenSize],
    'self_attn.q_proj': ['attn.c_attn', 0, hiddenSize],
    'self_attn.k_proj': ['attn.c_attn', hiddenSize, hiddenSize],
    'self_attn.v_proj': ['attn.c_attn', 2 * hiddenSize, hiddenSize],
    'self_attn.o_proj': ['attn.c_proj', 0, hiddenSize],
    post_attention_layernorm: ['ln_2', 0, hiddenSize],
    'mlp.up_proj': ['mlp.c_fc', 0, intermediateSize],
    'mlp.down_proj': ['mlp.c_proj', 0, hiddenSize],
  }
  const [, layer, part, kind] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? []
  const found = parts[part ?? '']
  if (!found) return null
  const [tensor, firstRow, numRows] = found
  const prefix = layer === undefined ? '' : `h.${layer}.`
  return { tensor: `${prefix}${tensor}.${kind}`, firstRow, numRows }
}

/** Conv1D keeps its weights as [inputs][outputs]. */
const isConv1D = (name: string): boolean => /\.c_(attn|proj|fc)\.weight$/.test(name)

/** GPT-2: learned positions, LayerNorm, biases, an MLP without a gate. */
export const gpt2: Architecture = {
  name: 'GPT2LMHeadModel',
  fields: llamaFields,
  configure,
  tensors: (index, config) => {
    const named = withOtherNames(index, (name) => [`transformer.${name}`])
    return withTensorRows(withTransposedTensors(named, isConv1D), (name) => partOf(name, config))
  },
  create: createDecoder,
}
