import type { TensorInfo } from '../safetensors.ts'
import { toFloat32 } from '../tensor-reader.ts'
import { integerTensor, type IntegerRows } from './integer-matrix.ts'
import { storedBytesOf, type Layout, type ModuleTensors } from './module-tensors.ts'
import type { Quantization } from './scheme.ts'
import {
  expectTensor,
  matrixShape,
  readColumns,
  transposed,
  wordsOf,
  type Span,
} from './stored-matrix.ts'

type Gptq = Extract<Quantization, { readonly method: 'gptq' }>

/**
 * GPTQ: `qweight` I32 [inputs * bits / 32][outputs] holds a column's codes from the lowest bits of a
 * word up, `scales` F16 [groups][outputs], `qzeros` I32 [groups][outputs * bits / 32], and `g_idx` I32
 * [inputs] an input's group (https://github.com/AutoGPTQ/AutoGPTQ, https://github.com/ModelCloud/GPTQModel).
 * Our rows are its columns.
 */
export const gptqLayout = (scheme: Gptq): Layout => ({
  codes: 'qweight',
  open: (module) => openGptq(scheme, module),
})

const openGptq = (scheme: Gptq, module: ModuleTensors): TensorInfo => {
  const { bits, isSymmetric, hasActOrder } = scheme
  const codes = module.get('qweight')
  const [wordRows, rows] = matrixShape(codes, 'I32')
  const columns = (wordRows * 32) / bits
  const groupSize = scheme.groupSize ?? columns
  const groups = Math.ceil(columns / groupSize)
  const scales = module.get('scales')
  expectTensor(scales, null, [groups, rows])
  const zeros = isSymmetric ? null : module.get('qzeros')
  if (zeros) expectTensor(zeros, 'I32', [groups, Math.ceil((rows * bits) / 32)])
  const order = module.find('g_idx')
  return integerTensor({
    name: module.weightName,
    rows,
    columns,
    bits,
    groupSize,
    order,
    hasActOrder,
    isSymmetric,
    hasHalfScales: scales.dtype !== 'F32',
    codes,
    storedBytes: storedBytesOf([codes, scales, module.find('qzeros'), order]),
    read: (span) => readRows({ codes, scales, zeros }, scheme, span),
  })
}

type GptqTensors = {
  readonly codes: TensorInfo
  readonly scales: TensorInfo
  readonly zeros: TensorInfo | null
}

const readRows = async (
  { codes, scales, zeros }: GptqTensors,
  scheme: Gptq,
  span: Span,
): Promise<IntegerRows> => {
  const scaleBytes = await readColumns(scales, span)
  const groups = scales.shape[0]!
  return {
    words: gatherWords(wordsOf(await readColumns(codes, span)), span.count),
    scales: transposed(toFloat32(scaleBytes, scales.dtype), groups, span.count),
    zeros: zeros && (await readZeros(zeros, scheme, span)),
  }
}

/** Rows that are gathered together: their words share cache lines, but for those rows alone. */
const tileRows = 16

/** Words [wordRows][count] as [count][wordRows]. */
const gatherWords = (stripe: Uint32Array, count: number): Uint32Array => {
  const words = new Uint32Array(stripe.length)
  const perRow = stripe.length / count
  for (let tile = 0; tile < count; tile += tileRows) {
    const end = Math.min(count, tile + tileRows)
    for (let at = 0; at < perRow; at++) {
      for (let row = tile; row < end; row++) words[row * perRow + at] = stripe[at * count + row]!
    }
  }
  return words
}

const readZeros = async (
  info: TensorInfo,
  { bits, zeroShift }: Gptq,
  { first, count }: Span,
): Promise<Uint8Array> => {
  const [perWord, mask] = [32 / bits, (1 << bits) - 1]
  const start = Math.floor(first / perWord)
  const width = Math.ceil((first + count) / perWord) - start
  const words = wordsOf(await readColumns(info, { first: start, count: width }))
  const groups = info.shape[0]!
  const zeros = new Uint8Array(count * groups)
  for (let row = 0; row < count; row++) {
    const output = first + row
    const shift = (output % perWord) * bits
    for (let group = 0; group < groups; group++) {
      const word = words[group * width + Math.floor(output / perWord) - start]!
      zeros[row * groups + group] = ((word >>> shift) + zeroShift) & mask
    }
  }
  return zeros
}
