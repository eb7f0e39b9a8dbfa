import { EngineError, quote } from '../errors.ts'
import type { FloatBlock, IntegerBits, Quantization } from '../weights/quantized/scheme.ts'
import { invalidField, isRecord, readFlag, type Json } from './config-fields.ts'

const otherCheckpoint =
  'Choose a GPTQ, AWQ, compressed-tensors or fp8 checkpoint of 4 or 8 bits, a GGUF file, or the ' +
  'original in bf16, f16 or f32, which Quire quantises while loading.'

const refused = (what: string, details: Readonly<Record<string, string>>): EngineError =>
  new EngineError(
    'unsupported-format',
    `This checkpoint is already quantised, ${what}, which Quire can't read. ${otherCheckpoint}`,
    { details },
  )

const readBits = (json: Json, method: string): IntegerBits => {
  const bits = json['bits'] ?? json['w_bit'] ?? json['num_bits'] ?? 4
  if (bits === 4 || bits === 8) return bits
  throw refused(`by ${method} to ${quote(bits)} bits`, { method })
}

const isSize = (size: unknown): size is number => Number.isSafeInteger(size) && Number(size) > 0

/** -1 stands for groups as long as a row. */
const readGroupSize = (json: Json): number | null => {
  const size = json['group_size'] ?? json['q_group_size'] ?? 128
  if (size === -1) return null
  if (isSize(size)) return size
  throw invalidField('group_size', size, 'a positive integer or -1')
}

type Variants = { readonly fields: readonly string[]; readonly known: readonly string[] }

/** Which of a method's layouts the checkpoint has; the first of the known ones where it says nothing. */
const readVariant = (json: Json, method: string, { fields, known }: Variants): string => {
  const variant = fields.map((field) => json[field]).find((value) => value ?? false) ?? known[0]!
  const found = known.find((name) => typeof variant === 'string' && variant.toLowerCase() === name)
  if (found !== undefined) return found
  throw refused(`by ${method} in the layout ${quote(variant)}`, { method })
}

const readGptq = (json: Json): Quantization => {
  const method = 'gptq'
  const fields = ['checkpoint_format', 'format']
  const variant = readVariant(json, method, { fields, known: ['gptq', 'gptq_v2'] })
  // GPTQModel's exceptions by module: those that begin with "-" are modules left alone.
  const dynamic = Object.keys(isRecord(json['dynamic']) ? json['dynamic'] : {})
  if (dynamic.some((pattern) => !pattern.startsWith('-:'))) {
    throw refused('by gptq with settings of their own for some modules ("dynamic")', { method })
  }
  return {
    method,
    bits: readBits(json, method),
    groupSize: readGroupSize(json),
    isSymmetric: readFlag(json, 'sym', true),
    zeroShift: variant === 'gptq_v2' ? 0 : 1,
    hasActOrder: readFlag(json, 'desc_act', false),
  }
}

const readAwq = (json: Json): Quantization => {
  const method = 'awq'
  readVariant(json, method, { fields: ['version', 'format'], known: ['gemm'] })
  if (readBits(json, method) !== 4) throw refused('by awq to 8 bits', { method })
  return { method, groupSize: readGroupSize(json) }
}

const defaultBlock: FloatBlock = [128, 128]

const readBlock = (json: Json, field: string): FloatBlock => {
  const block: unknown = json[field] ?? defaultBlock
  const sizes: unknown[] = Array.isArray(block) ? block : []
  const [rows, columns] = sizes
  if (sizes.length === 2 && isSize(rows) && isSize(columns)) return [rows, columns]
  throw invalidField(field, block, 'two sizes')
}

const readFp8 = (json: Json): Quantization => {
  readVariant(json, 'fp8', { fields: ['fmt'], known: ['e4m3', 'float8_e4m3fn'] })
  return { method: 'fp8', floatBlock: readBlock(json, 'weight_block_size') }
}

/** The tensors themselves tell these apart. */
const compressed: Variants = {
  fields: ['format'],
  known: [
    'pack-quantized',
    'int-quantized',
    'float-quantized',
    'naive-quantized',
    'mixed-precision',
  ],
}

/** One group of modules' weights, as `config_groups` describes it. */
const readWeights = (group: unknown): Json => {
  if (!isRecord(group)) throw invalidField('config_groups', group, 'groups of modules')
  readVariant(group, 'compressed-tensors', compressed)
  const weights = group['weights']
  if (!isRecord(weights)) throw invalidField('config_groups', group, 'groups with "weights"')
  if (weights['type'] === 'float' && weights['num_bits'] !== 8) {
    throw refused(`by compressed-tensors to ${quote(weights['num_bits'])}-bit floats`, {
      method: 'compressed-tensors',
    })
  }
  return weights
}

const readCompressedTensors = (json: Json): Quantization => {
  const method = 'compressed-tensors'
  readVariant(json, method, compressed)
  const sparsity = json['sparsity_config']
  if (isRecord(sparsity)) readVariant(sparsity, method, { fields: ['format'], known: ['dense'] })
  const groups = isRecord(json['config_groups']) ? Object.values(json['config_groups']) : []
  const weights = groups.map(readWeights)
  const integers = weights.filter(({ type }) => type !== 'float')
  const kinds = integers.map((group) => ({
    bits: readBits(group, method),
    isSymmetric: readFlag(group, 'symmetric', true),
  }))
  const [kind = { bits: 8 as const, isSymmetric: true }, ...others] = kinds
  if (others.some((o) => o.bits !== kind.bits || o.isSymmetric !== kind.isSymmetric)) {
    throw refused('by compressed-tensors with integers of several kinds', { method })
  }
  const blocked = weights.find((group) => group['block_structure'])
  return { method, ...kind, floatBlock: readBlock(blocked ?? {}, 'block_structure') }
}

const readers: Readonly<Record<string, (json: Json) => Quantization>> = {
  gptq: readGptq,
  awq: readAwq,
  'compressed-tensors': readCompressedTensors,
  fp8: readFp8,
  fbgemm_fp8: readFp8,
}

/**
 * How the weights of a checkpoint were quantised; null for plain ones.
 *
 * @throws EngineError `unsupported-format` naming the method or the variant that Quire does not read.
 */
export const readQuantization = (json: Json): Quantization | null => {
  const quantization = json['quantization_config']
  if (quantization === undefined || quantization === null) return null
  if (!isRecord(quantization)) {
    throw invalidField('quantization_config', quantization, 'an object')
  }
  const method = quantization['quant_method']
  const reader =
    typeof method === 'string' && Object.hasOwn(readers, method) ? readers[method] : undefined
  if (!reader) throw refused(`by ${quote(method)}`, { method: quote(method) })
  return reader(quantization)
}
