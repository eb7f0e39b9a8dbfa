import type { Architecture } from './architecture.ts'
import { readActivation, readFlag, readInteger, readNumber, type Json } from './config-fields.ts'
import { createDecoder, decoderEmbedding } from './decoder.ts'
import type { ModelConfig } from './model-config.ts'
import { readRopesByLayerType } from './rope-config.ts'
import { readSlidingLayers } from './sliding-window.ts'

const readCap = (json: Json, name: string): number =>
  (json[name] ?? null) === null ? 0 : readNumber(json, name)

/** What all Gemmas share: norms of (1 + weight) on both sides of a block, GELU, scaled embeddings. */
const configureGemma = (json: Json, base: ModelConfig): Partial<ModelConfig> => ({
  normOffset: 1,
  normPlacement: 'sandwich',
  activation: readActivation(json, 'gelu_pytorch_tanh'),
  tieWordEmbeddings: readFlag(json, 'tie_word_embeddings', true),
  embeddingScale: Math.sqrt(base.hiddenSize),
  attentionScale: 1 / Math.sqrt(readNumber(json, 'query_pre_attn_scalar', 256)),
  attentionSoftCap: readCap(json, 'attn_logit_softcapping'),
  logitSoftCap: readCap(json, 'final_logit_softcapping'),
})

/** Gemma 2: soft caps, and a sliding window in every other layer. */
export const gemma2: Architecture = {
  name: 'Gemma2ForCausalLM',
  configure: (json, base) => ({
    ...configureGemma(json, base),
    layers: readSlidingLayers(json, base, (layer) => layer % 2 === 0),
  }),
  create: createDecoder,
}

const thetas = { full: 1_000_000, sliding: 10_000 }

/** The field counts the positions to both sides; a position sees half of them to each, and itself. */
const withWindowToEachSide = (json: Json): Json => {
  const window = Math.floor(readInteger(json, 'sliding_window', 4096) / 2) + 1
  return { ...json, sliding_window: window }
}

/** Gemma 3's text model: five layers with a window and local positions to one with neither. */
export const gemma3: Architecture = {
  name: 'Gemma3ForCausalLM',
  configure: (json, base) => {
    const every = readInteger(json, 'sliding_window_pattern', 6)
    const isSliding = (layer: number) => (layer + 1) % every !== 0
    const causal = !readFlag(json, 'use_bidirectional_attention', false)
    return {
      ...configureGemma(json, base),
      qkNorm: 'head',
      causal,
      ropes: readRopesByLayerType(json, base.maxPositionEmbeddings, thetas),
      // The field tells the stretched length.
      contextLength: base.maxPositionEmbeddings,
      layers: readSlidingLayers(
        causal ? json : withWindowToEachSide(json),
        base,
        isSliding,
        (slides) => (slides ? 1 : 0),
      ),
    }
  },
  create: createDecoder,
  embed: { ...decoderEmbedding, pooling: 'mean' },
}
