import { quote } from '../errors.ts'
import type { Architecture } from './architecture.ts'
import {
  invalidField,
  isRecord,
  readActivation,
  readFlag,
  readInteger,
  readLength,
  readNumber,
  readTokenIds,
  unsupported,
  type Json,
} from './config-fields.ts'
import type { ModelConfig } from './model-config.ts'
import { readQuantization } from './quantization-config.ts'
import { architectures } from './registry.ts'
import { contextLengthOf, readRope, readRotaryDim } from './rope-config.ts'

/**
 * Checks a Hugging Face config.json and settles its defaults. Reads both the older fields
 * (`rope_theta`, `rope_scaling`, `torch_dtype`) and those of transformers 5 (`rope_parameters`, `dtype`).
 *
 * @throws EngineError `unsupported-model` for an architecture or a feature that Quire does not run,
 * `unsupported-format` for weights quantised in a way that it does not read, `invalid-file` for fields that are missing or wrong.
 */
export const parseModelConfig = (json: unknown): ModelConfig => {
  if (!isRecord(json)) throw invalidField('config.json', json, 'a JSON object')
  const architecture = findArchitecture(json)
  const fields = architecture.fields?.(json) ?? json
  const base = readBase(fields, architecture.name)
  const own = architecture.configure(fields, base)
  const config = { ...base, ...own }
  const stretched = contextLengthOf(config.ropes, config.maxPositionEmbeddings)
  return { ...config, contextLength: own.contextLength ?? stretched }
}

const maxLayers = 4096
const maxHeadDim = 65_536

/** The settings as a plain Llama has them. */
const readBase = (json: Json, architecture: string): ModelConfig => {
  const hiddenSize = readInteger(json, 'hidden_size')
  const numHeads = readInteger(json, 'num_attention_heads')
  const numKvHeads = readInteger(json, 'num_key_value_heads', numHeads)
  if (numHeads % numKvHeads !== 0) {
    throw invalidField('num_key_value_heads', numKvHeads, `a divisor of the ${numHeads} heads`)
  }
  const headDim = readLength(json, 'head_dim', maxHeadDim, hiddenSize / numHeads)
  if (headDim % 2 !== 0) throw invalidField('head_dim', headDim, 'an even number')
  const numLayers = readLength(json, 'num_hidden_layers', maxLayers)
  const maxPositionEmbeddings = readInteger(json, 'max_position_embeddings')
  const ropes = [readRope(json, maxPositionEmbeddings)]
  const torchDtype = json['dtype'] ?? json['torch_dtype']
  const attentionBias = readFlag(json, 'attention_bias', false)
  return {
    architecture,
    vocabSize: readInteger(json, 'vocab_size'),
    hiddenSize,
    intermediateSize: readInteger(json, 'intermediate_size'),
    numLayers,
    numHeads,
    numKvHeads,
    headDim,
    rotaryDim: readRotaryDim(json, headDim, 1),
    norm: 'rms',
    normEps: readNumber(json, 'rms_norm_eps', 1e-6),
    normOffset: 0,
    normPlacement: 'pre',
    ropes,
    layers: Array.from({ length: numLayers }, () => ({ window: 0, rope: 0 })),
    maxPositionEmbeddings,
    contextLength: contextLengthOf(ropes, maxPositionEmbeddings),
    tieWordEmbeddings: readFlag(json, 'tie_word_embeddings', false),
    learnedPositions: false,
    attentionBias,
    outputBias: attentionBias,
    mlpBias: readFlag(json, 'mlp_bias', false),
    qkNorm: 'none',
    gatedMlp: true,
    experts: null,
    activation: readActivation(json, 'silu'),
    causal: true,
    attentionScale: 1 / Math.sqrt(headDim),
    queryScaling: null,
    attentionSoftCap: 0,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    logitSoftCap: 0,
    eosTokenIds: readTokenIds(json, 'eos_token_id'),
    bosTokenId: readTokenIds(json, 'bos_token_id')[0] ?? null,
    torchDtype: typeof torchDtype === 'string' ? torchDtype : null,
    quantization: readQuantization(json),
  }
}

const findArchitecture = (json: Json): Architecture => {
  const listed = json['architectures']
  const name: unknown = Array.isArray(listed) ? listed[0] : undefined
  const known = architectures.find((architecture) => architecture.name === name)
  if (known) return known
  const named = typeof name === 'string' ? name : `model_type ${quote(json['model_type'])}`
  const supported = architectures.map((architecture) => architecture.name).join(', ')
  throw unsupported(
    `This model's architecture, ${named}, is not supported`,
    `Choose a model with one of these: ${supported}.`,
    { architecture: named, supported },
  )
}
