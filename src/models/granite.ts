import type { Architecture } from './architecture.ts'
import { readNumber } from './config-fields.ts'
import { createDecoder } from './decoder.ts'

/** Granite 3 and 4 (dense): Llama with four multipliers. */
export const granite: Architecture = {
  name: 'GraniteForCausalLM',
  configure: (json) => ({
    embeddingScale: readNumber(json, 'embedding_multiplier', 1),
    residualScale: readNumber(json, 'residual_multiplier', 1),
    attentionScale: readNumber(json, 'attention_multiplier', 1),
    logitScale: 1 / readNumber(json, 'logits_scaling', 1),
  }),
  create: createDecoder,
}
