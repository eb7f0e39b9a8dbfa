import { EngineError } from '../../errors.ts'
import type { TensorInfo } from '../safetensors.ts'
import { readTensor, toFloat32 } from '../tensor-reader.ts'
import { integerTensor, type IntegerMatrix } from './integer-matrix.ts'
import { storedBytesOf, type Layout, type ModuleTensors } from './module-tensors.ts'
import type { Quantization } from './scheme.ts'
import { expectTensor, matrixShape, readRows, wordsOf, type Span } from './stored-matrix.ts'

type CompressedTensors = Extract<Quantization, { readonly method: 'compressed-tensors' }>

/**
 * `pack-quantized`: `weight_packed` I32 [outputs][inputs * bits / 32] from the lowest bits of a word up,
 * signed codes stored with half the range added, `weight_scale` [outputs][groups], and, where the zero
 * points are not the middle, `weight_zero_point` I32 [outputs * bits / 32][groups], stored alike
 * (https://github.com/vllm-project/compressed-tensors).
 */
export const packedLayout = (scheme: CompressedTensors): Layout => ({
  codes: 'weight_packed',
  open: (module) => {
    const codes = module.get('weight_packed')
    const [rows, words] = matrixShape(codes, 'I32')
    const columns = (words * 32) / scheme.bits
    const zeros = scheme.isSymmetric ? null : module.get('weight_zero_point')
    const order = module.find('weight_g_idx')
    const readWords = async (span: Span) => wordsOf(await readRows(codes, span))
    return openIntegers(module, {
      codes,
      rows,
      columns,
      bits: scheme.bits,
      zeros,
      order,
      readWords,
    })
  },
})

/** `int-quantized`: `weight` I8 [outputs][inputs], `weight_scale` and `weight_zero_point` I8 alike. */
export const int8Layout = (scheme: CompressedTensors): Layout => ({
  codes: 'weight',
  codeDtype: 'I8',
  open: (module) => {
    const codes = module.get('weight')
    const [rows, columns] = matrixShape(codes, 'I8')
    if (columns % 4 !== 0) throw refuseColumns(codes, columns)
    const zeros = scheme.isSymmetric ? null : module.find('weight_zero_point')
    const readWords = async (span: Span) => unsigned(wordsOf(await readRows(codes, span)))
    return openIntegers(module, { codes, rows, columns, bits: 8, zeros, order: null, readWords })
  },
})

const refuseColumns = ({ name }: TensorInfo, columns: number): EngineError =>
  new EngineError(
    'unsupported-format',
    `Tensor ${name} has rows of ${columns} bytes, which do not fill whole words. Choose the original ` +
      'checkpoint in bf16, f16 or f32: Quire quantises it while loading.',
    { details: { tensor: name, columns } },
  )

/** Signed bytes to unsigned ones, half the range added; in place. */
const unsigned = (words: Uint32Array): Uint32Array => {
  for (let i = 0; i < words.length; i++) words[i]! ^= 0x80808080
  return words
}

type IntegerTensors = Pick<IntegerMatrix, 'codes' | 'rows' | 'columns' | 'bits' | 'order'> & {
  readonly zeros: TensorInfo | null
  readonly readWords: (rows: Span) => Promise<Uint32Array>
}

/** One scale for all, one a row, or one a group of a row's columns. */
const openIntegers = (module: ModuleTensors, tensors: IntegerTensors): TensorInfo => {
  const { rows, columns, bits, zeros, order, codes, readWords } = tensors
  const scales = module.get('weight_scale')
  const groups = scales.shape[1] ?? 1
  const isSingle = scales.shape.every((size) => size === 1)
  if (!isSingle) expectTensor(scales, null, [rows, groups])
  if (zeros?.dtype === 'I32') expectTensor(zeros, 'I32', [Math.ceil((rows * bits) / 32), groups])
  else if (zeros) expectTensor(zeros, 'I8', scales.shape)
  return integerTensor({
    name: module.weightName,
    rows,
    columns,
    bits,
    groupSize: Math.ceil(columns / groups),
    order,
    hasActOrder: order !== null,
    isSymmetric: zeros === null,
    hasHalfScales: scales.dtype !== 'F32',
    codes,
    storedBytes: storedBytesOf([codes, scales, zeros, order]),
    read: async (span) => ({
      words: await readWords(span),
      scales: isSingle
        ? new Float32Array(span.count).fill(toFloat32(await readTensor(scales), scales.dtype)[0]!)
        : toFloat32(await readRows(scales, span), scales.dtype),
      zeros: zeros && (await readZeros(zeros, { bits, groups, isSingle }, span)),
    }),
  })
}

type ZeroPoints = {
  readonly bits: number
  readonly groups: number
  readonly isSingle: boolean
}

/** [rows][groups], half the range added. */
const readZeros = async (
  info: TensorInfo,
  { bits, groups, isSingle }: ZeroPoints,
  span: Span,
): Promise<Uint8Array> => {
  const middle = 1 << (bits - 1)
  if (info.dtype === 'I32') return readPackedZeros(info, { bits, groups }, span)
  if (isSingle) return new Uint8Array(span.count).fill((await readTensor(info))[0]! + middle)
  return Uint8Array.from(await readRows(info, span), (zero) => zero + middle)
}

/** Words along the rows. */
const readPackedZeros = async (
  info: TensorInfo,
  { bits, groups }: { readonly bits: number; readonly groups: number },
  { first, count }: Span,
): Promise<Uint8Array> => {
  const [perWord, mask] = [32 / bits, (1 << bits) - 1]
  const start = Math.floor(first / perWord)
  const end = Math.ceil((first + count) / perWord)
  const words = wordsOf(await readRows(info, { first: start, count: end - start }))
  return Uint8Array.from({ length: count * groups }, (_, i) => {
    const row = first + Math.floor(i / groups)
    const word = words[(Math.floor(row / perWord) - start) * groups + (i % groups)]!
    return (word >>> ((row % perWord) * bits)) & mask
  })
}
