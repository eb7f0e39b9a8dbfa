import { invalidField, readInteger, type Json } from './config-fields.ts'
import type { LayerConfig, ModelConfig } from './model-config.ts'

/**
 * The layers of a model some of whose attention sees a window only: by `layer_types` where config.json
 * has it, else by `isSliding`. A window that holds every position is none.
 *
 * @param ropeOf The rotary table of a layer, or null for no positions; the first unless given.
 * @throws EngineError `invalid-file`.
 */
export const readSlidingLayers = (
  json: Json,
  base: ModelConfig,
  isSliding: (layer: number) => boolean,
  ropeOf: (isSliding: boolean) => number | null = () => 0,
): LayerConfig[] => {
  const types: unknown = json['layer_types'] ?? null
  if (types !== null && !(Array.isArray(types) && types.length === base.numLayers)) {
    throw invalidField('layer_types', types, `${base.numLayers} names`)
  }
  const hasWindow = (json['sliding_window'] ?? null) !== null
  const given = hasWindow ? readInteger(json, 'sliding_window') : 0
  const window = given < base.contextLength ? given : 0
  return base.layers.map((_, layer) => {
    const slides = types === null ? isSliding(layer) : types[layer] === 'sliding_attention'
    return { window: slides ? window : 0, rope: ropeOf(slides) }
  })
}
