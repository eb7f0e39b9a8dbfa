import type { SamplingParams } from '../engine/sampling-params.ts'
import { EngineError } from '../errors.ts'
import type { Architecture } from './architecture.ts'
import {
  invalidField,
  isRecord,
  otherModel,
  readFlag,
  readInteger,
  readNumber,
  readTokenIds,
  unsupported,
  type Json,
} from './config-fields.ts'
import type { ModelConfig } from './model-config.ts'
import { architectures } from './registry.ts'
import { readRope } from './rope-config.ts'

/**
 * Checks a Hugging Face config.json and settles its defaults. Reads both the older fields
 * (`rope_theta`, `rope_scaling`, `torch_dtype`) and those of transformers 5 (`rope_parameters`, `dtype`).
 *
 * @throws EngineError `unsupported-model` for an architecture or a feature that Quire does not run,
 * `unsupported-format` for pre-quantised weights, `invalid-file` for fields that are missing or wrong.
 */
export const parseModelConfig = (json: unknown): ModelConfig => {
  if (!isRecord(json)) throw invalidField('config.json', json, 'a JSON object')
  const architecture = findArchitecture(json)
  refuseQuantized(json)
  const base = readBase(json, architecture.name)
  const config = { ...base, ...architecture.configure(json, base) }
  refuseBiases(json)
  refuseOtherActivation(json, config)
  return config
}

/** The part of a head that is rotated; transformers 5 keeps it among `rope_parameters`. */
const readRotaryFactor = (json: Json): number => {
  const parameters = json['rope_parameters']
  const inner = isRecord(parameters) ? readNumber(parameters, 'partial_rotary_factor', 1) : 1
  return Math.min(readNumber(json, 'partial_rotary_factor', inner), 1)
}

/** The settings as a plain Llama has them. */
const readBase = (json: Json, architecture: string): ModelConfig => {
  const hiddenSize = readInteger(json, 'hidden_size')
  const numHeads = readInteger(json, 'num_attention_heads')
  const numKvHeads = readInteger(json, 'num_key_value_heads', numHeads)
  if (numHeads % numKvHeads !== 0) {
    throw invalidField('num_key_value_heads', numKvHeads, `a divisor of the ${numHeads} heads`)
  }
  const headDim = readInteger(json, 'head_dim', hiddenSize / numHeads)
  if (headDim % 2 !== 0) throw invalidField('head_dim', headDim, 'an even number')
  const numLayers = readInteger(json, 'num_hidden_layers')
  const maxPositionEmbeddings = readInteger(json, 'max_position_embeddings')
  const torchDtype = json['dtype'] ?? json['torch_dtype']
  return {
    architecture,
    vocabSize: readInteger(json, 'vocab_size'),
    hiddenSize,
    intermediateSize: readInteger(json, 'intermediate_size'),
    numLayers,
    numHeads,
    numKvHeads,
    headDim,
    rotaryDim: Math.floor(headDim * readRotaryFactor(json)),
    rmsNormEps: readNumber(json, 'rms_norm_eps', 1e-6),
    normOffset: 0,
    normPlacement: 'pre',
    ropes: [readRope(json, maxPositionEmbeddings)],
    layers: Array.from({ length: numLayers }, () => ({ window: 0, rope: 0 })),
    maxPositionEmbeddings,
    tieWordEmbeddings: readFlag(json, 'tie_word_embeddings', false),
    attentionBias: false,
    qkNorm: 'none',
    activation: 'silu',
    attentionScale: 1 / Math.sqrt(headDim),
    attentionSoftCap: 0,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    logitSoftCap: 0,
    eosTokenIds: readTokenIds(json, 'eos_token_id'),
    bosTokenId: readTokenIds(json, 'bos_token_id')[0] ?? null,
    torchDtype: typeof torchDtype === 'string' ? torchDtype : null,
  }
}

const findArchitecture = (json: Json): Architecture => {
  const listed = json['architectures']
  const name: unknown = Array.isArray(listed) ? listed[0] : undefined
  const known = architectures.find((architecture) => architecture.name === name)
  if (known) return known
  const named = typeof name === 'string' ? name : `model_type ${JSON.stringify(json['model_type'])}`
  const supported = architectures.map((architecture) => architecture.name).join(', ')
  throw unsupported(
    `This model's architecture, ${named}, is not supported`,
    `Choose a model with one of these: ${supported}.`,
    { architecture: named, supported },
  )
}

const refuseQuantized = (json: Json): void => {
  if (!isRecord(json['quantization_config'])) return
  const method = JSON.stringify(json['quantization_config']['quant_method'])
  throw new EngineError(
    'unsupported-format',
    `This checkpoint is already quantised (${method}), which Quire can't read. Choose the ` +
      'original checkpoint in bf16, f16 or f32: Quire quantises it while loading.',
    { details: { method } },
  )
}

const refuseBiases = (json: Json): void => {
  for (const bias of ['attention_bias', 'mlp_bias']) {
    if (readFlag(json, bias, false)) {
      throw unsupported(`config.json's ${bias} is not supported`, otherModel)
    }
  }
}

const activationNames: Readonly<Record<string, ModelConfig['activation']>> = {
  silu: 'silu',
  swish: 'silu',
  gelu_pytorch_tanh: 'gelu',
  gelu_new: 'gelu',
}

const refuseOtherActivation = (json: Json, config: ModelConfig): void => {
  const named = json['hidden_activation'] ?? json['hidden_act'] ?? 'silu'
  if (typeof named === 'string' && activationNames[named] === config.activation) return
  throw unsupported(`The activation ${JSON.stringify(named)} is not supported`, otherModel)
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
