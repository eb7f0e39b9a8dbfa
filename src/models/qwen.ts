import type { Architecture } from './architecture.ts'
import { readFlag, readNumber, type Json } from './config-fields.ts'
import { createDecoder, decoderEmbedding } from './decoder.ts'
import type { ModelConfig } from './model-config.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** config.json names the window even where it is switched off; it starts at a later layer. */
const readLayers = (json: Json, base: ModelConfig) => {
  const uses = readFlag(json, 'use_sliding_window', false)
  const first = uses ? readNumber(json, 'max_window_layers', base.numLayers) : base.numLayers
  return readSlidingLayers(json, base, (layer) => layer >= first)
}

/** Qwen2 and Qwen2.5: biases on q, k and v. */
export const qwen2: Architecture = {
  name: 'Qwen2ForCausalLM',
  configure: (json, base) => ({ attentionBias: true, layers: readLayers(json, base) }),
  create: createDecoder,
  embed: decoderEmbedding,
}

/** Qwen3: a norm over each head of q and k. */
export const qwen3: Architecture = {
  name: 'Qwen3ForCausalLM',
  configure: (json, base) => ({ qkNorm: 'head', layers: readLayers(json, base) }),
  create: createDecoder,
  embed: decoderEmbedding,
}
