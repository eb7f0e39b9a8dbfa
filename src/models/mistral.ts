import type { Architecture } from './architecture.ts'
import { createDecoder } from './decoder.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** Mistral: Llama, with a sliding window in its first version. */
export const mistral: Architecture = {
  name: 'MistralForCausalLM',
  configure: (json, base) => ({ layers: readSlidingLayers(json, base, () => true) }),
  create: createDecoder,
}
