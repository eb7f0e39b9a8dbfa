import type { Architecture } from './architecture.ts'
import { readNumber } from './config-fields.ts'
import { createDecoder } from './decoder.ts'
import { readRopesByLayerType } from './rope-config.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** OLMo 2: norms of what the blocks add alone, and norms over all of q and all of k. */
export const olmo2: Architecture = {
  name: 'Olmo2ForCausalLM',
  configure: () => ({ normPlacement: 'post', qkNorm: 'all' }),
  create: createDecoder,
}

const isSliding = (layer: number): boolean => (layer + 1) % 4 !== 0

/** OLMo 3: OLMo 2 with a window in three layers of four, which alone keep their RoPE unstretched. */
export const olmo3: Architecture = {
  name: 'Olmo3ForCausalLM',
  configure: (json, base) => {
    const theta = readNumber(json, 'rope_theta', 500_000)
    return {
      normPlacement: 'post',
      qkNorm: 'all',
      ropes: readRopesByLayerType(json, base.maxPositionEmbeddings, {
        full: theta,
        sliding: theta,
      }),
      layers: readSlidingLayers(json, base, isSliding, (slides) => (slides ? 1 : 0)),
    }
  },
  create: createDecoder,
}
