import { quote } from '../errors.ts'
import {
  invalidField,
  isPositive,
  isRecord,
  readFlag,
  readInteger,
  readNumber,
  unsupported,
  type Json,
} from './config-fields.ts'
import type { RopeConfig, RopeScaling } from './model-config.ts'

/**
 * The rotary angles that config.json describes, in its older fields (`rope_theta`, `rope_scaling`) or
 * in those of transformers 5 (`rope_parameters`).
 *
 * @throws EngineError `unsupported-model`, `invalid-file`.
 */
export const readRope = (json: Json, maxPositionEmbeddings: number): RopeConfig => {
  const theta = readNumber(json, 'rope_theta', 10_000)
  const given = json['rope_parameters'] ?? json['rope_scaling'] ?? {}
  // Phi-3's older files have this beside the others.
  const original = json['original_max_position_embeddings']
  const parameters =
    isRecord(given) && original ? { original_max_position_embeddings: original, ...given } : given
  return readParameters(parameters, theta, maxPositionEmbeddings)
}

const readParameters = (
  parameters: unknown,
  theta: number,
  maxPositionEmbeddings: number,
): RopeConfig => {
  if (!isRecord(parameters)) throw invalidField('rope_scaling', parameters, 'an object')
  return {
    theta: readNumber(parameters, 'rope_theta', theta),
    scaling: readRopeScaling(parameters, maxPositionEmbeddings),
  }
}

/**
 * Channels of a head that are rotated, from the first; transformers 5 keeps their share among
 * `rope_parameters`.
 *
 * @param fallback The share where config.json names none.
 */
export const readRotaryDim = (json: Json, headDim: number, fallback: number): number => {
  const parameters = json['rope_parameters']
  const inner = isRecord(parameters)
    ? readNumber(parameters, 'partial_rotary_factor', fallback)
    : fallback
  return Math.floor(headDim * Math.min(readNumber(json, 'partial_rotary_factor', inner), 1))
}

/**
 * The angles of layers that see everything, and of those with a window, which are never stretched: in
 * transformers 5 by type of layer, in older files beside each other.
 *
 * @param thetas What holds where the file names none.
 * @throws EngineError `unsupported-model`, `invalid-file`.
 */
export const readRopesByLayerType = (
  json: Json,
  maxPositionEmbeddings: number,
  thetas: { readonly full: number; readonly sliding: number },
): [full: RopeConfig, sliding: RopeConfig] => {
  const given = json['rope_parameters']
  if (isRecord(given) && isRecord(given['full_attention'])) {
    return [
      readParameters(given['full_attention'], thetas.full, maxPositionEmbeddings),
      readParameters(given['sliding_attention'] ?? {}, thetas.sliding, maxPositionEmbeddings),
    ]
  }
  const sliding = readNumber(json, 'rope_local_base_freq', thetas.sliding)
  return [
    readRope({ rope_theta: thetas.full, ...json }, maxPositionEmbeddings),
    { theta: sliding, scaling: noScaling },
  ]
}

/**
 * Positions that angles are good for, by vLLM's rule: most kinds of scaling multiply what config.json's
 * `max_position_embeddings` tells.
 */
export const contextLengthOf = (
  ropes: readonly RopeConfig[],
  maxPositionEmbeddings: number,
): number =>
  ropes.reduce((length, { scaling }) => {
    if (scaling.type === 'linear') return Math.floor(maxPositionEmbeddings * scaling.factor)
    if (scaling.type !== 'yarn') return length
    return Math.floor(scaling.originalMaxPositionEmbeddings * scaling.factor)
  }, maxPositionEmbeddings)

const noScaling: RopeScaling = { type: 'none' }

const readRopeScaling = (parameters: Json, maxPositionEmbeddings: number): RopeScaling => {
  const type: unknown = parameters['rope_type'] ?? parameters['type'] ?? 'default'
  const originalMaxPositionEmbeddings = () =>
    readInteger(parameters, 'original_max_position_embeddings', maxPositionEmbeddings)
  switch (type) {
    case 'default':
      return { type: 'none' }
    case 'linear':
      return { type: 'linear', factor: readNumber(parameters, 'factor') }
    case 'llama3':
      return {
        type: 'llama3',
        factor: readNumber(parameters, 'factor'),
        lowFreqFactor: readNumber(parameters, 'low_freq_factor'),
        highFreqFactor: readNumber(parameters, 'high_freq_factor'),
        originalMaxPositionEmbeddings: originalMaxPositionEmbeddings(),
      }
    case 'yarn': {
      const factor = readNumber(parameters, 'factor')
      return {
        type: 'yarn',
        factor,
        betaFast: readNumber(parameters, 'beta_fast', 32),
        betaSlow: readNumber(parameters, 'beta_slow', 1),
        attentionFactor: yarnAttentionFactor(parameters, factor),
        originalMaxPositionEmbeddings: originalMaxPositionEmbeddings(),
        truncate: readFlag(parameters, 'truncate', true),
      }
    }
    case 'longrope':
    case 'su': {
      const original = originalMaxPositionEmbeddings()
      const factor = readNumber(parameters, 'factor', maxPositionEmbeddings / original)
      // The default of `modeling_rope_utils.py` in Hugging Face transformers.
      const attention = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original))
      return {
        type: 'longrope',
        shortFactors: readFactors(parameters, 'short_factor'),
        longFactors: readFactors(parameters, 'long_factor'),
        attentionFactor: readNumber(parameters, 'attention_factor', attention),
        originalMaxPositionEmbeddings: original,
      }
    }
    default:
      throw unsupported(
        `The RoPE scaling ${quote(type)} is not supported`,
        'Choose a model with default, linear, llama3, yarn or longrope.',
        { ropeType: quote(type) },
      )
  }
}

const readFactors = (parameters: Json, name: string): number[] => {
  const value: unknown = parameters[name]
  if (Array.isArray(value) && value.length > 0 && value.every(isPositive)) return value
  throw invalidField(name, value, 'positive numbers')
}

/** 0.1 m ln(factor) + 1 (https://arxiv.org/abs/2309.00071, eq. 22), or what config.json says. */
const yarnAttentionFactor = (parameters: Json, factor: number): number => {
  const scale = (m: number) => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1)
  const byMscale =
    parameters['mscale'] && parameters['mscale_all_dim']
      ? scale(readNumber(parameters, 'mscale')) / scale(readNumber(parameters, 'mscale_all_dim'))
      : scale(1)
  return readNumber(parameters, 'attention_factor', byMscale)
}
