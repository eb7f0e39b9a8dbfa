import type { Architecture } from './architecture.ts'
import { invalidField, readInteger } from './config-fields.ts'
import { createDecoder } from './decoder.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** SmolLM3: Llama, in which some layers (every fourth, unless said) have no positions. */
export const smollm3: Architecture = {
  name: 'SmolLM3ForCausalLM',
  configure: (json, base) => {
    const every = readInteger(json, 'no_rope_layer_interval', 4)
    const given: unknown = json['no_rope_layers'] ?? null
    if (given !== null && !(Array.isArray(given) && given.length === base.numLayers)) {
      throw invalidField('no_rope_layers', given, `${base.numLayers} numbers`)
    }
    // The field says which layers do have them.
    const hasRope = (layer: number) => (given ? given[layer] === 1 : (layer + 1) % every !== 0)
    const layers = readSlidingLayers(json, base, () => false)
    return {
      layers: layers.map(({ window }, layer) => ({ window, rope: hasRope(layer) ? 0 : null })),
    }
  },
  create: createDecoder,
}
