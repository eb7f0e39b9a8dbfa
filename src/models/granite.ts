import { withTensorRows, type TensorRows } from '../weights/tensor-rows.ts'
import type { Architecture } from './architecture.ts'
import { otherModel, readInteger, readNumber, unsupported, type Json } from './config-fields.ts'
import { createDecoder } from './decoder.ts'
import type { ModelConfig } from './model-config.ts'

const readMultipliers = (json: Json): Partial<ModelConfig> => ({
  embeddingScale: readNumber(json, 'embedding_multiplier', 1),
  residualScale: readNumber(json, 'residual_multiplier', 1),
  attentionScale: readNumber(json, 'attention_multiplier', 1),
  logitScale: 1 / readNumber(json, 'logits_scaling', 1),
})

/** Granite 3: Llama with four multipliers. */
export const granite: Architecture = {
  name: 'GraniteForCausalLM',
  configure: readMultipliers,
  create: createDecoder,
}

const attentionNames = new Set<unknown>(['attention', 'full_attention'])

/** The family holds hybrids with Mamba layers and mixtures of experts; its dense members have neither. */
const refuseHybrids = (json: Json): void => {
  const { layer_types: types, num_local_experts: numExperts } = json
  if (!Array.isArray(types) || !types.every((type) => attentionNames.has(type))) {
    throw unsupported('Granite 4 with Mamba layers is not supported', otherModel)
  }
  if (numExperts !== 0) {
    throw unsupported('Granite 4 with experts is not supported', otherModel)
  }
}

/** The MLP has a name of its own, and gate and up are the rows of one tensor. */
const partOf = (name: string, { hiddenSize, intermediateSize }: ModelConfig): TensorRows | null => {
  const [, layer, part] = /^(.*\.)mlp\.(gate|up|down)_proj\.weight$/.exec(name) ?? []
  if (part === undefined) return null
  if (part === 'down') {
    const tensor = `${layer}shared_mlp.output_linear.weight`
    return { tensor, firstRow: 0, numRows: hiddenSize }
  }
  return {
    tensor: `${layer}shared_mlp.input_linear.weight`,
    firstRow: part === 'up' ? intermediateSize : 0,
    numRows: intermediateSize,
  }
}

/** Granite 4's dense models: Granite 3 with a fused MLP, some of them without positions. */
export const graniteHybrid: Architecture = {
  name: 'GraniteMoeHybridForCausalLM',
  configure: (json, base) => {
    refuseHybrids(json)
    const rope = json['position_embedding_type'] === 'rope' ? 0 : null
    return {
      ...readMultipliers(json),
      intermediateSize: readInteger(json, 'shared_intermediate_size'),
      layers: base.layers.map(({ window }) => ({ window, rope })),
    }
  },
  tensors: (index, config) => withTensorRows(index, (name) => partOf(name, config)),
  create: createDecoder,
}
