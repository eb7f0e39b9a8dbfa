import type { Architecture } from './architecture.ts'
import { createDecoder, decoderEmbedding } from './decoder.ts'

/** Llama 2 and 3. */
export const llama: Architecture = {
  name: 'LlamaForCausalLM',
  configure: () => ({}),
  create: createDecoder,
  embed: decoderEmbedding,
}
