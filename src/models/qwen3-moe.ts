import { withTensorRows, type TensorRows } from '../weights/tensor-rows.ts'
import type { TensorIndex } from '../weights/safetensors.ts'
import type { Architecture } from './architecture.ts'
import { invalidField, readFlag, readInteger, type Json } from './config-fields.ts'
import { createDecoder } from './decoder.ts'
import type { ModelConfig } from './model-config.ts'
import { qwen3 } from './qwen.ts'

const readLayerNumbers = (json: Json, name: string): readonly unknown[] => {
  const value = json[name] ?? []
  if (Array.isArray(value)) return value
  throw invalidField(name, value, 'a list of layers')
}

/** Which layers have experts: every nth, except those that are listed. */
const readExperts = (json: Json, { numLayers }: ModelConfig): ModelConfig['experts'] => {
  const every = readInteger(json, 'decoder_sparse_step', 1)
  const dense = readLayerNumbers(json, 'mlp_only_layers')
  // transformers 5 writes the latter.
  const count = json['num_experts'] === undefined ? 'num_local_experts' : 'num_experts'
  return {
    numExperts: readInteger(json, count),
    topK: readInteger(json, 'num_experts_per_tok'),
    intermediateSize: readInteger(json, 'moe_intermediate_size'),
    hasSumOfOne: readFlag(json, 'norm_topk_prob', false),
    layers: Array.from(
      { length: numLayers },
      (_, layer) => (layer + 1) % every === 0 && !dense.includes(layer),
    ),
  }
}

/** Where an expert's matrix lies in the one of all experts, which GGUF files have instead. */
const partOf = (index: TensorIndex, name: string): TensorRows | null => {
  const [, start, number, part] = /^(.*\.experts\.)(\d+)\.(\w+\.weight)$/.exec(name) ?? []
  const tensor = `${start}${part}`
  if (number === undefined || !index.has(tensor)) return null
  const { shape } = index.get(tensor)
  const numRows = shape[1] ?? 0
  return { tensor, firstRow: Number(number) * numRows, numRows }
}

/** Qwen3 with experts in place of some MLPs, or of all. */
export const qwen3Moe: Architecture = {
  name: 'Qwen3MoeForCausalLM',
  configure: (json, base) => ({
    ...qwen3.configure(json, base),
    experts: readExperts(json, base),
  }),
  tensors: (index) => withTensorRows(index, (name) => partOf(index, name)),
  create: createDecoder,
}
