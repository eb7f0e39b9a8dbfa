import type { SamplingParams } from '../engine/sampling-params.ts'
import { EngineError } from '../errors.ts'

/** The architectures (config.json `architectures`) that Quire runs. */
export const supportedArchitectures = [
  'LlamaForCausalLM',
  'MistralForCausalLM',
  'Qwen2ForCausalLM',
  'Qwen3ForCausalLM',
] as const

export type Architecture = (typeof supportedArchitectures)[number]

/** How positions are stretched past the length that a model was trained on. */
export type RopeScaling =
  | { readonly type: 'none' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalMaxPositionEmbeddings: number
    }
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly betaFast: number
      readonly betaSlow: number
      /** Multiplies cos and sin. */
      readonly attentionFactor: number
      readonly originalMaxPositionEmbeddings: number
      /** Rounds the ramp's ends to whole dimensions. */
      readonly truncate: boolean
    }

/** A Llama-like decoder: pre-norm blocks of grouped-query attention and a gated SiLU MLP. */
export type ModelConfig = {
  readonly architecture: Architecture
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly rmsNormEps: number
  readonly ropeTheta: number
  readonly ropeScaling: RopeScaling
  readonly maxPositionEmbeddings: number
  /** The language-model head is the embedding matrix. */
  readonly tieWordEmbeddings: boolean
  /** q, k and v projections have a bias. */
  readonly attentionBias: boolean
  /** RMSNorm over each head of q and k, before RoPE. */
  readonly qkNorm: boolean
  readonly eosTokenIds: readonly number[]
  readonly bosTokenId: number | null
  /** As config.json says it, such as `bfloat16`; null where it does not. */
  readonly torchDtype: string | null
}

type Json = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const unsupported = (what: string, remedy: string, details = {}): EngineError =>
  new EngineError('unsupported-model', `${what}. ${remedy}`, { details })

const otherModel = 'Choose another model or revision.'

const invalidField = (name: string, value: unknown, expected: string): EngineError =>
  new EngineError(
    'invalid-file',
    `config.json: "${name}" is ${value === undefined ? 'missing' : JSON.stringify(value)}, expected ` +
      `${expected}. Check that the model is complete, then delete it and download it again.`,
    { details: { file: 'config.json', field: name } },
  )

/** A number of `json`; absent or null gives the default, or an error where there is none. */
const readNumber = (json: Json, name: string, fallback?: number): number => {
  const value = json[name] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw invalidField(name, value, 'a positive number')
}

const readInteger = (json: Json, name: string, fallback?: number): number => {
  const value = readNumber(json, name, fallback)
  if (Number.isSafeInteger(value)) return value
  throw invalidField(name, value, 'a positive integer')
}

const readFlag = (json: Json, name: string, fallback: boolean): boolean => {
  const value = json[name] ?? fallback
  if (typeof value === 'boolean') return value
  throw invalidField(name, value, 'true or false')
}

const readTokenIds = (json: Json, name: string): number[] => {
  const value = json[name] ?? []
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  return ids.map((id) => {
    if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id
    throw invalidField(name, value, 'token ids')
  })
}

/**
 * Checks a Hugging Face config.json and settles its defaults. Reads both the older fields
 * (`rope_theta`, `rope_scaling`, `torch_dtype`) and those of transformers 5 (`rope_parameters`, `dtype`).
 *
 * @throws EngineError `unsupported-model` for an architecture or a feature that Quire does not run,
 * `unsupported-format` for pre-quantised weights, `invalid-file` for fields that are missing or wrong.
 */
export const parseModelConfig = (json: unknown): ModelConfig => {
  if (!isRecord(json)) throw invalidField('config.json', json, 'a JSON object')
  const architecture = readArchitecture(json)
  refuseUnsupportedFeatures(json)
  const hiddenSize = readInteger(json, 'hidden_size')
  const numHeads = readInteger(json, 'num_attention_heads')
  const numKvHeads = readInteger(json, 'num_key_value_heads', numHeads)
  if (numHeads % numKvHeads !== 0) {
    throw invalidField('num_key_value_heads', numKvHeads, `a divisor of the ${numHeads} heads`)
  }
  const headDim = readInteger(json, 'head_dim', hiddenSize / numHeads)
  if (headDim % 2 !== 0) throw invalidField('head_dim', headDim, 'an even number')
  const maxPositionEmbeddings = readInteger(json, 'max_position_embeddings')
  const torchDtype = json['dtype'] ?? json['torch_dtype']
  return {
    architecture,
    vocabSize: readInteger(json, 'vocab_size'),
    hiddenSize,
    intermediateSize: readInteger(json, 'intermediate_size'),
    numLayers: readInteger(json, 'num_hidden_layers'),
    numHeads,
    numKvHeads,
    headDim,
    rmsNormEps: readNumber(json, 'rms_norm_eps', 1e-6),
    ...readRope(json, maxPositionEmbeddings),
    maxPositionEmbeddings,
    tieWordEmbeddings: readFlag(json, 'tie_word_embeddings', false),
    attentionBias: architecture === 'Qwen2ForCausalLM',
    qkNorm: architecture === 'Qwen3ForCausalLM',
    eosTokenIds: readTokenIds(json, 'eos_token_id'),
    bosTokenId: readTokenIds(json, 'bos_token_id')[0] ?? null,
    torchDtype: typeof torchDtype === 'string' ? torchDtype : null,
  }
}

const readArchitecture = (json: Json): Architecture => {
  const listed = json['architectures']
  const name: unknown = Array.isArray(listed) ? listed[0] : undefined
  const known = supportedArchitectures.find((architecture) => architecture === name)
  if (known) return known
  const named = typeof name === 'string' ? name : `model_type ${JSON.stringify(json['model_type'])}`
  throw unsupported(
    `This model's architecture, ${named}, is not supported`,
    `Choose a model with one of these: ${supportedArchitectures.join(', ')}.`,
    { architecture: named, supported: supportedArchitectures.join(', ') },
  )
}

const refuseUnsupportedFeatures = (json: Json): void => {
  if (isRecord(json['quantization_config'])) {
    const method = JSON.stringify(json['quantization_config']['quant_method'])
    throw new EngineError(
      'unsupported-format',
      `This checkpoint is already quantised (${method}), which Quire can't read. Choose the ` +
        'original checkpoint in bf16, f16 or f32: Quire quantises it while loading.',
      { details: { method } },
    )
  }
  const activation = json['hidden_act'] ?? 'silu'
  if (activation !== 'silu') {
    throw unsupported(`The activation ${JSON.stringify(activation)} is not supported`, otherModel)
  }
  for (const bias of ['attention_bias', 'mlp_bias']) {
    if (readFlag(json, bias, false))
      throw unsupported(`config.json's ${bias} is not supported`, otherModel)
  }
  if (readNumber(json, 'partial_rotary_factor', 1) !== 1) {
    throw unsupported("config.json's partial_rotary_factor is not supported", otherModel)
  }
  refuseSlidingWindow(json)
}

/** Qwen names the window even where it is switched off; Mistral has no switch but null. */
const refuseSlidingWindow = (json: Json): void => {
  const layerTypes: unknown = json['layer_types']
  const slidingLayers = Array.isArray(layerTypes)
    ? layerTypes.some((type) => type !== 'full_attention')
    : readFlag(json, 'use_sliding_window', true)
  const window = json['sliding_window'] ?? null
  const reach = readInteger(json, 'max_position_embeddings')
  if (!slidingLayers || window === null || (typeof window === 'number' && window >= reach)) return
  throw unsupported(
    `Sliding-window attention (${JSON.stringify(window)}) is not supported`,
    otherModel,
  )
}

const readRope = (
  json: Json,
  maxPositionEmbeddings: number,
): Pick<ModelConfig, 'ropeTheta' | 'ropeScaling'> => {
  const parameters = json['rope_parameters'] ?? json['rope_scaling'] ?? {}
  if (!isRecord(parameters)) throw invalidField('rope_scaling', parameters, 'an object')
  return {
    ropeTheta: readNumber(parameters, 'rope_theta', readNumber(json, 'rope_theta', 10_000)),
    ropeScaling: readRopeScaling(parameters, maxPositionEmbeddings),
  }
}

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
    default:
      throw unsupported(
        `The RoPE scaling ${JSON.stringify(type)} is not supported`,
        'Choose a model with default, linear, llama3 or yarn.',
        { ropeType: JSON.stringify(type) },
      )
  }
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

const samplingFields = {
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  max_new_tokens: 'maxTokens',
} as const

/**
 * The parts of generation_config.json that vLLM heeds (`--generation-config auto`): the ids that end a
 * text and the default sampling parameters. Null (no such file) gives none.
 */
export const parseGenerationConfig = (
  json: unknown,
): { eosTokenIds: number[]; defaultSamplingParams: Partial<SamplingParams> } => {
  if (!isRecord(json)) return { eosTokenIds: [], defaultSamplingParams: {} }
  const given = Object.entries(samplingFields).flatMap(([field, parameter]) =>
    typeof json[field] === 'number' ? [[parameter, json[field]] as const] : [],
  )
  return {
    eosTokenIds: readTokenIds(json, 'eos_token_id'),
    defaultSamplingParams: Object.fromEntries(given),
  }
}
