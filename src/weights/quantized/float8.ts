import { planeSizes } from '../quantization.ts'
import type { TensorInfo } from '../safetensors.ts'
import { readTensor, toFloat32 } from '../tensor-reader.ts'
import { convertedTensor } from './converted-file.ts'
import { storedBytesOf, type Layout, type ModuleTensors } from './module-tensors.ts'
import type { FloatBlock } from './scheme.ts'
import { expectTensor, matrixShape, readRows, wordsOf, type Span } from './stored-matrix.ts'

/** Of our format f8: columns that it takes at once, and columns that share a scale. */
const [blockColumns, scaleColumns] = [32, 128]

/**
 * `weight` F8_E4M3 [outputs][inputs], and a factor of it: one number, one a row, or one a block, called
 * `weight_scale`, or `weight_scale_inv` (in spite of its name a factor too) by DeepSeek and transformers.
 * Weights that were only cast to fp8 have none.
 */
export const float8Layout = (block: FloatBlock = [128, 128]): Layout => ({
  codes: 'weight',
  codeDtype: 'F8_E4M3',
  open: (module) => openFloat8(block, module),
})

/** As our f8 where its scales can hold the file's; else as numbers, which are rounded to f16. */
const openFloat8 = (block: FloatBlock, module: ModuleTensors): TensorInfo => {
  const codes = module.get('weight')
  const [rows, columns] = matrixShape(codes, 'F8_E4M3')
  const scales = module.find('weight_scale') ?? module.find('weight_scale_inv')
  const blocks = scaleBlocks(codes, scales, block)
  const converted = {
    name: module.weightName,
    rows,
    columns,
    codes,
    storedBytes: storedBytesOf([codes, scales]),
    dequantize: async (span: Span) =>
      float8Numbers(await readRows(codes, span), await scaleReader(blocks), { ...span, columns }),
  }
  const isAligned = blocks.columns % scaleColumns === 0 || blocks.columns === columns
  if (!isAligned || columns % blockColumns !== 0) return convertedTensor(converted, 'F16')
  const read = async (first: number, count: number) => {
    const values = wordsOf(await readRows(codes, { first, count }))
    const plane = new Float32Array(planeSizes('f8', count, columns).scales)
    fillScales(plane, await scaleReader(blocks), { first, count })
    return { values, scales: new Uint32Array(plane.buffer) }
  }
  return { ...convertedTensor(converted, 'F32'), packed: { format: 'f8', read } }
}

/** How the stored scales lie over the matrix. */
type ScaleBlocks = {
  /** Null for 1 everywhere. */
  readonly scales: TensorInfo | null
  /** Rows and columns of the matrix that share a scale. */
  readonly rows: number
  readonly columns: number
  /** Scales from one row of them to the next. */
  readonly stride: number
}

const scaleBlocks = (
  { shape: [rows = 0, columns = 0] }: TensorInfo,
  scales: TensorInfo | null,
  block: FloatBlock,
): ScaleBlocks => {
  const [height = 1, width = 1] = scales?.shape ?? []
  if (!scales || (height === 1 && width === 1)) return { scales, rows, columns, stride: 1 }
  // A scale a row, or a group of a row's columns; else a block.
  const [down, across] = height === rows ? [1, Math.ceil(columns / width)] : block
  const stride = Math.ceil(columns / across)
  const expected = [Math.ceil(rows / down), stride]
  expectTensor(scales, null, scales.shape.length === 1 ? expected.slice(0, 1) : expected)
  return { scales, rows: down, columns: Math.min(across, columns), stride }
}

type ScaleAt = (row: number, column: number) => number

const scaleReader = async ({ scales, rows, columns, stride }: ScaleBlocks): Promise<ScaleAt> => {
  if (!scales) return () => 1
  const values = toFloat32(await readTensor(scales), scales.dtype)
  return (row, column) => values[Math.floor(row / rows) * stride + Math.floor(column / columns)]!
}

const fillScales = (plane: Float32Array, scaleAt: ScaleAt, { first, count }: Span): void => {
  const across = plane.length / count
  for (let at = 0; at < plane.length; at++) {
    plane[at] = scaleAt(first + Math.floor(at / across), (at % across) * scaleColumns)
  }
}

/** E4M3FN: a sign, four bits of exponent with bias 7, three of mantissa; NaN does not occur. */
const float8Value = (bits: number): number => {
  const sign = bits & 0x80 ? -1 : 1
  const exponent = (bits >>> 3) & 15
  const mantissa = bits & 7
  return exponent === 0 ? sign * mantissa * 2 ** -9 : sign * (8 + mantissa) * 2 ** (exponent - 10)
}

const float8Values = Float32Array.from({ length: 256 }, (_, bits) => float8Value(bits))

const float8Numbers = (
  bytes: Uint8Array,
  scaleAt: ScaleAt,
  { first, columns }: Span & { readonly columns: number },
): Float32Array =>
  Float32Array.from(bytes, (bits, i) => {
    const scale = scaleAt(first + Math.floor(i / columns), i % columns)
    return float8Values[bits]! * scale
  })
