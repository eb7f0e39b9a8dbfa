import type { Architecture } from './architecture.ts'
import { createDecoder } from './decoder.ts'

/** OLMo 2: norms of what the blocks add alone, and norms over all of q and all of k. */
export const olmo2: Architecture = {
  name: 'Olmo2ForCausalLM',
  configure: () => ({ normPlacement: 'post', qkNorm: 'all' }),
  create: createDecoder,
}
