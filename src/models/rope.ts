import { EngineError } from '../errors.ts'
import type { RopeConfig, RopeScaling } from './model-config.ts'

/**
 * Radians that one position turns each pair of a head's dimensions, [rotaryDim / 2], in contexts of at
 * most `maxModelLen`. The formulas are those
 * of `modeling_rope_utils.py` in Hugging Face transformers, in float64.
 */
export const inverseFrequencies = (
  rope: RopeConfig,
  rotaryDim: number,
  maxModelLen: number,
): Float64Array => {
  const { theta, scaling } = rope
  const plain = Float64Array.from(
    { length: rotaryDim / 2 },
    (_, i) => 1 / theta ** ((2 * i) / rotaryDim),
  )
  switch (scaling.type) {
    case 'none':
      return plain
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor)
    case 'llama3':
      return plain.map((frequency) => llama3Frequency(frequency, scaling))
    case 'yarn':
      return yarnFrequencies(plain, theta, scaling)
    case 'longrope': {
      // As vLLM: by the longest context that is served, where transformers goes by each text's length.
      const isLong = maxModelLen > scaling.originalMaxPositionEmbeddings
      const factors = isLong ? scaling.longFactors : scaling.shortFactors
      checkFactors(factors, rotaryDim)
      return plain.map((frequency, i) => frequency / factors[i]!)
    }
  }
}

const checkFactors = (factors: readonly number[], rotaryDim: number): void => {
  if (factors.length === rotaryDim / 2) return
  throw new EngineError(
    'invalid-file',
    `config.json: rope_scaling has ${factors.length} factors, expected ${rotaryDim / 2}. Check that ` +
      'the model is complete, then delete it and download it again.',
  )
}

type Scaling<Type> = Extract<RopeScaling, { type: Type }>

/** Short waves stay, long ones are slowed by the factor, those between are blended. */
const llama3Frequency = (frequency: number, scaling: Scaling<'llama3'>): number => {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling
  const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI)
  if (turns > highFreqFactor) return frequency
  if (turns < lowFreqFactor) return frequency / factor
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  return ((1 - smooth) * frequency) / factor + smooth * frequency
}

/** A linear ramp over the dimensions, from frequencies kept to frequencies slowed by the factor. */
const yarnFrequencies = (
  plain: Float64Array,
  theta: number,
  scaling: Scaling<'yarn'>,
): Float64Array => {
  const rotaryDim = 2 * plain.length
  const dimension = (turns: number) =>
    (rotaryDim * Math.log(scaling.originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) /
    (2 * Math.log(theta))
  const whole = scaling.truncate
  const fast = dimension(scaling.betaFast)
  const slow = dimension(scaling.betaSlow)
  const low = Math.max(whole ? Math.floor(fast) : fast, 0)
  const high = Math.min(whole ? Math.ceil(slow) : slow, rotaryDim - 1)
  const width = high === low ? 0.001 : high - low
  return plain.map((frequency, i) => {
    const slowed = Math.min(1, Math.max(0, (i - low) / width))
    return (frequency / scaling.factor) * slowed + frequency * (1 - slowed)
  })
}

/**
 * Cosines and sines of every position, [maxModelLen][rotaryDim / 2][cos, sin]. Pair i of a head is its
 * dimensions i and i + rotaryDim / 2, as in Hugging Face checkpoints.
 */
export const ropeTable = (
  rope: RopeConfig,
  rotaryDim: number,
  maxModelLen: number,
): Float32Array<ArrayBuffer> => {
  const frequencies = inverseFrequencies(rope, rotaryDim, maxModelLen)
  const { scaling } = rope
  const amplitude = 'attentionFactor' in scaling ? scaling.attentionFactor : 1
  const table = new Float32Array(maxModelLen * rotaryDim)
  let next = 0
  for (let position = 0; position < maxModelLen; position++) {
    for (const frequency of frequencies) {
      table[next++] = amplitude * Math.cos(position * frequency)
      table[next++] = amplitude * Math.sin(position * frequency)
    }
  }
  return table
}
