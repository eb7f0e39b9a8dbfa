import { EngineError } from '../../errors.ts'
import type { WeightFormat } from '../../kernels/weight-format.ts'
import { float16Bits } from '../float16.ts'
import { planeSizes, type WeightPlanes } from '../quantization.ts'
import type { TensorInfo } from '../safetensors.ts'
import { readTensor } from '../tensor-reader.ts'
import { convertedTensor } from './converted-file.ts'
import type { IntegerBits } from './scheme.ts'
import { expectTensor, wordsOf, type Span } from './stored-matrix.ts'

/** Rows of an integer matrix as every scheme's reader brings them: weight = (code - zero) * scale. */
export type IntegerRows = {
  /** [rows][columns * bits / 32]: codes from the lowest bits of a word up, in the order of the columns. */
  readonly words: Uint32Array
  /** [rows][groups]. */
  readonly scales: Float32Array
  /** [rows][groups]; null where every zero point is the middle of the range. */
  readonly zeros: Uint8Array | null
}

/** A weight matrix [rows][columns] of unsigned integers, groups of whose columns share a scale. */
export type IntegerMatrix = {
  readonly name: string
  readonly rows: number
  readonly columns: number
  readonly bits: IntegerBits
  readonly groupSize: number
  /** I32 [columns]: each one's group; null where none is stored, since they are in order. */
  readonly order: TensorInfo | null
  /** A group's columns are no neighbours. */
  readonly hasActOrder: boolean
  readonly isSymmetric: boolean
  /** Each scale is f16 or bf16. */
  readonly hasHalfScales: boolean
  /** The tensor of the codes. */
  readonly codes: TensorInfo
  readonly storedBytes: number
  readonly read: (rows: Span) => Promise<IntegerRows>
}

const blockColumns = 32

/**
 * q4 and q8 have an f16 scale a block of 32 columns and no zero point: symmetric groups of whole blocks
 * are that already, only the order of the codes differs. (A bf16 scale is exact in f16 from 2^-14 on;
 * below, a scale errs by at most 2^-25, a 4-bit weight by 2.4e-7.) q4z and q8z hold every other scale
 * and zero point exactly, an f32 scale to 16 bits.
 */
const formatOf = ({ bits, isSymmetric, hasHalfScales }: IntegerMatrix): WeightFormat => {
  if (isSymmetric && hasHalfScales) return bits === 4 ? 'q4' : 'q8'
  return bits === 4 ? 'q4z' : 'q8z'
}

/**
 * The matrix as a tensor of `weight`'s name. Where groups of columns are no whole blocks, or their
 * columns no neighbours, it can only be read as numbers, which are rounded to f16.
 */
export const integerTensor = (matrix: IntegerMatrix): TensorInfo => {
  const { columns, groupSize, order, hasActOrder } = matrix
  if (order) expectTensor(order, 'I32', [columns])
  const converted = { ...matrix, dequantize: (span: Span) => dequantizeRows(matrix, span) }
  const isBlocked = columns % blockColumns === 0 && groupSize % blockColumns === 0
  if (hasActOrder || !isBlocked) return convertedTensor(converted, 'F16')
  const format = formatOf(matrix)
  const read = async (first: number, count: number) => {
    await checkOrder(matrix)
    return packRows(matrix, format, count, await matrix.read({ first, count }))
  }
  return { ...convertedTensor(converted, 'F32'), packed: { format, read } }
}

const readOrder = async (matrix: IntegerMatrix): Promise<Uint32Array | null> => {
  if (!matrix.order) return null
  const order = wordsOf(await readTensor(matrix.order))
  const groups = Math.ceil(matrix.columns / matrix.groupSize)
  if (order.every((group) => group < groups)) return order
  throw new EngineError(
    'invalid-file',
    `Tensor ${matrix.order.name} names a group past the last, ${groups - 1}. Delete the stored ` +
      'model and download it again.',
    { details: { tensor: matrix.order.name } },
  )
}

/** Groups that are neighbours only by the word of config.json would give a model that babbles. */
const checkOrder = async (matrix: IntegerMatrix): Promise<void> => {
  const order = await readOrder(matrix)
  if (!order || order.every((group, i) => group === Math.floor(i / matrix.groupSize))) return
  throw new EngineError(
    'invalid-file',
    `Tensor ${matrix.order!.name} is not in order, though config.json's quantization_config does ` +
      'not say "desc_act": true. Correct it there, or choose another revision of the model.',
    { details: { tensor: matrix.order!.name } },
  )
}

/** Four codes of four bits, one a byte. */
const spread = (codes: number): number => {
  const pairs = (codes | (codes << 8)) & 0x00ff00ff
  return (pairs | (pairs << 4)) & 0x0f0f0f0f
}

/**
 * Codes of a block in the order of q4: element i of 32 in the low half of byte i, i + 16 in its high
 * half. In place.
 */
const reorderNibbles = (words: Uint32Array): void => {
  for (let at = 0; at < words.length; at += 4) {
    const [a, b, c, d] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!]
    words[at] = spread(a & 0xffff) | (spread(c & 0xffff) << 4)
    words[at + 1] = spread(a >>> 16) | (spread(c >>> 16) << 4)
    words[at + 2] = spread(b & 0xffff) | (spread(d & 0xffff) << 4)
    words[at + 3] = spread(b >>> 16) | (spread(d >>> 16) << 4)
  }
}

const packRows = (
  matrix: IntegerMatrix,
  format: WeightFormat,
  numRows: number,
  rows: IntegerRows,
): WeightPlanes => {
  const { columns, bits } = matrix
  const sizes = planeSizes(format, numRows, columns)
  const { words } = rows
  if (bits === 4) reorderNibbles(words)
  // q8 is signed: the middle of the range, 128, becomes 0.
  else if (format === 'q8') for (let i = 0; i < words.length; i++) words[i]! ^= 0x80808080
  const scales = new Uint32Array(sizes.scales)
  const pack = format === 'q4' || format === 'q8' ? packHalfScales : packScalesWithZeros
  pack(matrix, rows, { scales, numRows })
  return { values: words, scales }
}

type ScalePlane = { readonly scales: Uint32Array; readonly numRows: number }

/** Where the group of a row's block stands among `IntegerRows.scales`. */
const groupAt = ({ columns, groupSize }: IntegerMatrix, row: number, block: number): number =>
  row * Math.ceil(columns / groupSize) + Math.floor((block * blockColumns) / groupSize)

/** The scales of q4 and q8: f16, two a word, a row's filled to whole words. */
const packHalfScales = (
  matrix: IntegerMatrix,
  rows: IntegerRows,
  { scales, numRows }: ScalePlane,
): void => {
  const halves = new Uint16Array(scales.buffer)
  const blocks = matrix.columns / blockColumns
  const halvesPerRow = halves.length / numRows
  for (let row = 0; row < numRows; row++) {
    for (let block = 0; block < blocks; block++) {
      const bits = float16Bits(rows.scales[groupAt(matrix, row, block)]!)
      if ((bits & 0x7c00) === 0x7c00) throw refuseScale(matrix)
      halves[row * halvesPerRow + block] = bits
    }
  }
}

const refuseScale = ({ name }: IntegerMatrix): EngineError =>
  new EngineError(
    'invalid-file',
    `The scales of ${name} hold a number past 65504. Delete the stored model and download it again.`,
    { details: { tensor: name } },
  )

/** The scales of q4z and q8z: the upper 24 bits of an f32, and the zero point in the lowest 8. */
const packScalesWithZeros = (
  matrix: IntegerMatrix,
  rows: IntegerRows,
  { scales, numRows }: ScalePlane,
): void => {
  const blocks = matrix.columns / blockColumns
  const bits = new Uint32Array(rows.scales.buffer, rows.scales.byteOffset, rows.scales.length)
  const middle = 1 << (matrix.bits - 1)
  for (let row = 0; row < numRows; row++) {
    for (let block = 0; block < blocks; block++) {
      const group = groupAt(matrix, row, block)
      const rounded = (bits[group]! + 0x80) & 0xffffff00
      scales[row * blocks + block] = rounded | (rows.zeros?.[group] ?? middle)
    }
  }
}

/** The numbers that rows stand for, in f32. */
const dequantizeRows = async (matrix: IntegerMatrix, span: Span): Promise<Float32Array> => {
  const { columns, bits, groupSize } = matrix
  const { words, scales, zeros } = await matrix.read(span)
  const order = await readOrder(matrix)
  const groups = scales.length / span.count
  const [perWord, mask, middle] = [32 / bits, (1 << bits) - 1, 1 << (bits - 1)]
  const wordsPerRow = words.length / span.count
  const values = new Float32Array(span.count * columns)
  for (let row = 0; row < span.count; row++) {
    for (let column = 0; column < columns; column++) {
      const word = words[row * wordsPerRow + Math.floor(column / perWord)]!
      const code = (word >>> ((column % perWord) * bits)) & mask
      const group = row * groups + (order?.[column] ?? Math.floor(column / groupSize))
      values[row * columns + column] = (code - (zeros?.[group] ?? middle)) * scales[group]!
    }
  }
  return values
}
