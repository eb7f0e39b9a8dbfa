import type { TargetFormat } from '../../src/kernels/quantize.ts'
import type { WeightFormat } from '../../src/kernels/weight-format.ts'
import { float16Bits } from '../../src/weights/float16.ts'
import { packBlocks } from '../../src/weights/gguf/pack-blocks.ts'
import { ggufTypes, type GgufType } from '../../src/weights/gguf/tensor-types.ts'
import {
  dequantize,
  planeSizes,
  quantize,
  type WeightPlanes,
} from '../../src/weights/quantization.ts'
import {
  quantizedFormats,
  quantizedValues,
  type QuantizedFormat,
} from '../reference/quantized-formats.ts'
import { randomFloats } from './context.ts'

const targetFormats: readonly TargetFormat[] = ['f32', 'f16', 'q8', 'q4']

type GgufFormat = Exclude<WeightFormat, TargetFormat | QuantizedFormat>

/** Where a block's f16s lie, and how large they may be for weights of about 1. */
const blockScales: Readonly<Record<GgufFormat, readonly (readonly [at: number, most: number])[]>> =
  {
    q4_1: [
      [0, 1 / 15],
      [2, 1 / 2],
    ],
    q5_0: [[0, 1 / 16]],
    q5_1: [
      [0, 1 / 31],
      [2, 1 / 2],
    ],
    iq4_nl: [[0, 1 / 127]],
    q2_k: [
      [80, 1 / 45],
      [82, 1 / 30],
    ],
    q3_k: [[108, 1 / 128]],
    q4_k: [
      [0, 1 / 945],
      [2, 1 / 126],
    ],
    q5_k: [
      [0, 1 / 1953],
      [2, 1 / 126],
    ],
    q6_k: [[208, 1 / 4096]],
  }

const isTargetFormat = (format: WeightFormat): format is TargetFormat =>
  targetFormats.some((name) => name === format)

const randomBlocks = (
  format: GgufFormat,
  type: GgufType,
  count: number,
  seed: number,
): Uint8Array => {
  const bytes = Uint8Array.from(randomFloats(count * type.blockBytes, seed), (v) => (v + 1) * 128)
  const view = new DataView(bytes.buffer)
  const sizes = randomFloats(count * 2, seed + 1)
  for (let block = 0; block < count; block++) {
    for (const [i, [at, most]] of blockScales[format].entries()) {
      const scale = float16Bits(Math.fround(sizes[2 * block + i]! * most))
      view.setUint16(block * type.blockBytes + at, scale, true)
    }
  }
  return bytes
}

const isQuantizedFormat = (format: WeightFormat): format is QuantizedFormat =>
  quantizedFormats.some((name) => name === format)

/** Largest scales for weights of about 1. */
const largestScale: Readonly<Record<QuantizedFormat, number>> = {
  q4z: 1 / 15,
  q8z: 1 / 255,
  f8: 1 / 448,
}

const randomPlanes = (
  format: QuantizedFormat,
  rows: number,
  columns: number,
  seed: number,
): WeightPlanes => {
  const sizes = planeSizes(format, rows, columns)
  const bytes = Uint8Array.from(randomFloats(sizes.values * 4, seed), (v) => (v + 1) * 128)
  // The NaNs of E4M3 are not weights.
  if (format === 'f8') for (const [i, byte] of bytes.entries()) if (byte % 128 === 127) bytes[i]!--
  const floats = randomFloats(sizes.scales, seed + 1).map((v) => v * largestScale[format])
  const zeros = randomFloats(sizes.scales, seed + 2)
  const range = format === 'q4z' ? 8 : 128
  const scales = new Uint32Array(floats.buffer).map((bits, i) =>
    format === 'f8' ? bits : (bits & 0xffffff00) | ((zeros[i]! + 1) * range),
  )
  return { values: new Uint32Array(bytes.buffer), scales }
}

/** Random rows in a format, as they lie on the GPU, and their exact values. */
export const randomRows = (
  format: WeightFormat,
  rows: number,
  columns: number,
  seed: number,
): { readonly planes: WeightPlanes; readonly values: Float32Array } => {
  if (isTargetFormat(format)) {
    const planes = quantize(format, randomFloats(rows * columns, seed), rows, columns)
    return { planes, values: dequantize(format, planes, rows, columns) }
  }
  if (isQuantizedFormat(format)) {
    const planes = randomPlanes(format, rows, columns, seed)
    return { planes, values: quantizedValues(format, planes, [rows, columns]) }
  }
  const type = ggufTypes.find(({ packing }) => packing?.format === format)!
  const blocks = randomBlocks(format, type, (rows * columns) / type.blockElements, seed)
  const values = new Float32Array(rows * columns)
  type.dequantize(blocks, values)
  return { planes: packBlocks(type.packing!, type.blockBytes, blocks, [rows, columns]), values }
}
