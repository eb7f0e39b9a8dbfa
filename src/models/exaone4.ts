import type { Architecture } from './architecture.ts'
import { createDecoder } from './decoder.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** EXAONE 4: norms of what the blocks add; where it has windows, only layers with one have positions. */
export const exaone4: Architecture = {
  name: 'Exaone4ForCausalLM',
  configure: (json, base) => {
    const isHybrid = (json['sliding_window'] ?? null) !== null
    const isSliding = (layer: number) => isHybrid && (layer + 1) % 4 !== 0
    return {
      normPlacement: 'post',
      qkNorm: 'head',
      layers: readSlidingLayers(json, base, isSliding, (slides) =>
        slides || !isHybrid ? 0 : null,
      ),
    }
  },
  create: createDecoder,
}
