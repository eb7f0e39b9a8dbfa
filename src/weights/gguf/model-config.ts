import { EngineError } from '../../errors.ts'
import type { ConfigFields, GgufArchitecture, ModelFacts } from './architectures.ts'
import { invalidGguf } from './header-reader.ts'
import { type ModelKeys, shortestDecimal } from './model-keys.ts'

/** Rotary factors that a file keeps as tensors, one for each pair of dimensions. */
export type RopeFactors = {
  /** `rope_freqs.weight`: what each wave is slowed by. */
  readonly frequencies?: Float32Array
  /** `rope_factors_long.weight` and `rope_factors_short.weight` of Phi. */
  readonly long?: Float32Array
  readonly short?: Float32Array
}

export type ConfigInput = {
  readonly keys: ModelKeys
  readonly architecture: GgufArchitecture
  readonly has: (tensor: string) => boolean
  /** Rows of `token_embd.weight`. */
  readonly vocabSize: number
  readonly ropeFactors: RopeFactors
}

/**
 * A GGUF file's metadata as the config.json that the same model has on Hugging Face, as far as an engine
 * reads it. Token ids come with the tokenizer.
 *
 * @throws EngineError `invalid-file` for keys that are missing or wrong, `unsupported-model` for features
 * that Quire does not read from GGUF.
 */
export const ggufModelConfig = (input: ConfigInput): ConfigFields => {
  const { keys, architecture, has } = input
  const hiddenSize = keys.number('embedding_length')
  const numHeads = keys.number('attention.head_count')
  const headDim = keys.optionalNumber('attention.key_length') ?? hiddenSize / numHeads
  const numLayers = keys.number('block_count')
  refuseOtherValueSize(keys, headDim)
  // Besides being wrong, a number of layers that no tensor stands for would make lists of that length.
  const lastBlock = `blk.${numLayers - 1}`
  if (!has(`${lastBlock}.ffn_down.weight`) && !has(`${lastBlock}.ffn_down_exps.weight`)) {
    throw invalidGguf(keys.file, `it announces ${numLayers} layers, but lacks tensors of the last`)
  }
  const facts: ModelFacts = { keys, has, numLayers, hiddenSize, numHeads, headDim }
  const rotaryDim = keys.optionalNumber('rope.dimension_count') ?? headDim
  const eps = keys.optionalNumber('attention.layer_norm_rms_epsilon')
  const scaling = ropeScaling(input, rotaryDim)
  return {
    architectures: [architecture.className],
    model_type: architecture.modelType,
    vocab_size: input.vocabSize,
    hidden_size: hiddenSize,
    intermediate_size: keys.number('feed_forward_length'),
    num_hidden_layers: numLayers,
    num_attention_heads: numHeads,
    num_key_value_heads: keys.optionalNumber('attention.head_count_kv') ?? numHeads,
    head_dim: headDim,
    max_position_embeddings: keys.number('context_length'),
    rope_theta: keys.optionalNumber('rope.freq_base') ?? 10_000,
    tie_word_embeddings: !has('output.weight'),
    ...(eps !== undefined && { rms_norm_eps: eps }),
    ...(rotaryDim !== headDim && { partial_rotary_factor: rotaryDim / headDim }),
    ...(scaling && { rope_scaling: scaling }),
    ...architecture.fields(facts),
  }
}

const refuseOtherValueSize = (keys: ModelKeys, headDim: number): void => {
  const valueDim = keys.optionalNumber('attention.value_length') ?? headDim
  if (valueDim === headDim) return
  throw new EngineError(
    'unsupported-model',
    `${keys.file} has heads of ${headDim} for keys and ${valueDim} for values, which Quire does not ` +
      'run. Choose another model.',
    { details: { file: keys.file, keyLength: headDim, valueLength: valueDim } },
  )
}

const ropeScaling = (input: ConfigInput, rotaryDim: number): ConfigFields | null => {
  const { keys, ropeFactors } = input
  const { frequencies, long, short } = ropeFactors
  if (long && short) return longRope(keys, long, short)
  if (frequencies) return llama3Scaling(keys, frequencies, rotaryDim)
  const type = keys.optionalText('rope.scaling.type') ?? 'none'
  const factor = keys.optionalNumber('rope.scaling.factor') ?? 1
  if (type === 'none' || factor <= 1) return null
  if (type === 'linear') return { rope_type: 'linear', factor }
  if (type === 'yarn') return yarn(keys, factor)
  throw invalidGguf(keys.file, `its rope scaling ${JSON.stringify(type)} is none that is known`)
}

const longRope = (keys: ModelKeys, long: Float32Array, short: Float32Array): ConfigFields => {
  const attention = keys.optionalNumber('rope.scaling.attn_factor')
  const original =
    keys.optionalNumber('rope.scaling.original_context_length') ?? keys.number('context_length')
  return {
    rope_type: 'longrope',
    long_factor: Array.from(long, shortestDecimal),
    short_factor: Array.from(short, shortestDecimal),
    original_max_position_embeddings: original,
    factor: keys.number('context_length') / original,
    ...(attention !== undefined && { attention_factor: attention }),
  }
}

const yarn = (keys: ModelKeys, factor: number): ConfigFields => {
  const logMultiplier = keys.optionalNumber('rope.scaling.yarn_log_multiplier')
  const optional = {
    original_max_position_embeddings: keys.optionalNumber('rope.scaling.original_context_length'),
    beta_fast: keys.optionalNumber('rope.scaling.yarn_beta_fast'),
    beta_slow: keys.optionalNumber('rope.scaling.yarn_beta_slow'),
    // Ministral 3's.
    mscale_all_dim: logMultiplier,
    ...(logMultiplier !== undefined && { mscale: 1 }),
    llama_4_scaling_beta: keys.optionalNumber('attention.temperature_scale'),
  }
  const given = Object.entries(optional).filter(([, value]) => value !== undefined)
  return { rope_type: 'yarn', factor, ...Object.fromEntries(given) }
}

/** What every Llama 3 has; files keep only the factors that follow from it. */
const llama3 = {
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
} as const

/** How much slower Llama 3's scaling makes a wave that turns `turns` times in the original context. */
const llama3Factor = (turns: number, factor: number): number => {
  if (turns > llama3.high_freq_factor) return 1
  if (turns < llama3.low_freq_factor) return factor
  const smooth =
    (turns - llama3.low_freq_factor) / (llama3.high_freq_factor - llama3.low_freq_factor)
  return 1 / ((1 - smooth) / factor + smooth)
}

/** llama.cpp stores the result of Llama 3's scaling; config.json has the numbers that lead to it. */
const llama3Scaling = (
  keys: ModelKeys,
  factors: Float32Array,
  rotaryDim: number,
): ConfigFields | null => {
  if (factors.every((value) => value === 1)) return null
  const theta = keys.optionalNumber('rope.freq_base') ?? 10_000
  const factor = shortestDecimal(factors.reduce((most, value) => Math.max(most, value), 1))
  const matches = factors.every((value, i) => {
    const wave = 2 * Math.PI * theta ** ((2 * i) / rotaryDim)
    const expected = llama3Factor(llama3.original_max_position_embeddings / wave, factor)
    return Math.abs(value - expected) <= 1e-3 * expected
  })
  if (matches) return { rope_type: 'llama3', factor, ...llama3 }
  throw new EngineError(
    'unsupported-model',
    `${keys.file} stretches its positions by factors (rope_freqs.weight) that are not those of Llama ` +
      '3, which Quire does not read from GGUF. Choose the safetensors files of the model.',
    { details: { file: keys.file } },
  )
}
