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

type Awq = Extract<Quantization, { readonly method: 'awq' }>

/** Where the code of output 8 i + j stands in its word: nibbles hold the outputs 0 2 4 6 1 3 5 7. */
const shifts = [0, 16, 4, 20, 8, 24, 12, 28]
const shiftOf = (output: number): number => shifts[output % 8]!

/**
 * AWQ, version `gemm`: `qweight` I32 [inputs][outputs / 8], `qzeros` I32 [groups][outputs / 8], and
 * `scales` F16 [groups][outputs] (https://github.com/casper-hansen/AutoAWQ). Our rows are its columns.
 */
export const awqLayout = (scheme: Awq): Layout => ({
  codes: 'qweight',
  open: (module) => openAwq(scheme, module),
})

const openAwq = (scheme: Awq, module: ModuleTensors): TensorInfo => {
  const codes = module.get('qweight')
  const [columns, wordColumns] = matrixShape(codes, 'I32')
  const rows = wordColumns * 8
  const groupSize = scheme.groupSize ?? columns
  const groups = Math.ceil(columns / groupSize)
  const scales = module.get('scales')
  const zeros = module.get('qzeros')
  expectTensor(scales, null, [groups, rows])
  expectTensor(zeros, 'I32', [groups, wordColumns])
  return integerTensor({
    name: module.weightName,
    rows,
    columns,
    bits: 4,
    groupSize,
    order: null,
    hasActOrder: false,
    isSymmetric: false,
    hasHalfScales: scales.dtype !== 'F32',
    codes,
    storedBytes: storedBytesOf([codes, scales, zeros]),
    read: (span) => readRows({ codes, scales, zeros }, span),
  })
}

type AwqTensors = Readonly<Record<'codes' | 'scales' | 'zeros', TensorInfo>>

const readRows = async (tensors: AwqTensors, span: Span): Promise<IntegerRows> => {
  const { codes, scales, zeros } = tensors
  const first = Math.floor(span.first / 8)
  const packed = { first, count: Math.ceil((span.first + span.count) / 8) - first }
  const stripeOf = async (info: TensorInfo): Promise<Stripe> => ({
    words: wordsOf(await readColumns(info, packed)),
    width: packed.count,
    firstOutput: first * 8,
  })
  const scaleBytes = await readColumns(scales, span)
  return {
    words: gatherCodes(await stripeOf(codes), span),
    scales: transposed(toFloat32(scaleBytes, scales.dtype), scales.shape[0]!, span.count),
    zeros: gatherZeros(await stripeOf(zeros), span),
  }
}

/** Some columns of words: each holds the codes of eight outputs. */
type Stripe = {
  readonly words: Uint32Array
  /** Words of a row. */
  readonly width: number
  readonly firstOutput: number
}

/** Nibble j of word i becomes nibble i of word j; in place. */
const transposeNibbles = (words: Uint32Array): void => {
  for (const [distance, mask] of swaps) {
    const shift = distance * 4
    for (let i = 0; i < 8; i++) {
      if (i & distance) continue
      const [a, b] = [words[i]!, words[i + distance]!]
      words[i] = (a & mask) | ((b & mask) << shift)
      words[i + distance] = ((a >>> shift) & mask) | (b & ~mask)
    }
  }
}

const swaps = [
  [4, 0x0000ffff],
  [2, 0x00ff00ff],
  [1, 0x0f0f0f0f],
] as const

/** Word columns that are taken together: each touches rows of codes that lie far apart. */
const tileWords = 4

/** Turns nibbles along the outputs into nibbles along the inputs, 8 a word. */
const gatherCodes = ({ words, width, firstOutput }: Stripe, { first, count }: Span) => {
  const perRow = Math.ceil(words.length / width / 8)
  const codes = new Uint32Array(count * perRow)
  const square = new Uint32Array(8)
  for (let tile = 0; tile < width; tile += tileWords) {
    const end = Math.min(width, tile + tileWords)
    for (let at = 0; at < perRow; at++) {
      for (let column = tile; column < end; column++) {
        for (let i = 0; i < 8; i++) square[i] = words[(at * 8 + i) * width + column]!
        transposeNibbles(square)
        for (let output = 0; output < 8; output++) {
          const row = firstOutput + column * 8 + output - first
          if (row >= 0 && row < count) codes[row * perRow + at] = square[shifts[output]! / 4]!
        }
      }
    }
  }
  return codes
}

const gatherZeros = ({ words, width, firstOutput }: Stripe, { first, count }: Span): Uint8Array => {
  const groups = words.length / width
  const zeros = new Uint8Array(count * groups)
  for (let row = 0; row < count; row++) {
    const output = first + row - firstOutput
    const shift = shiftOf(output)
    for (let group = 0; group < groups; group++) {
      zeros[row * groups + group] = (words[group * width + Math.floor(output / 8)]! >>> shift) & 15
    }
  }
  return zeros
}
