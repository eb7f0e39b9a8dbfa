// How weight matrices lie in GPU memory, and the reference definition of how they get there. The GPU
// kernels that quantise and multiply follow this file.
//
// A matrix [n rows][k columns] is one or two planes of u32 words, row after row:
//
//   f32  values: one word an element
//   f16  values: one word a pair of elements, the first in the low half (unpack2x16float)
//   q8   values: one word four elements, the first in the low byte, signed (unpack4xI8)
//   q4   values: four words a block of 32 elements; byte i of the block's 16 holds element i in its
//        low nibble and element i + 16 in its high nibble (the layout of ggml's Q4_0)
//
// q8 and q4 cut a row into blocks of 32. Their second plane holds a block's scale as f16, two a word,
// block 0 in the low half; a row starts on a word, so its length is ceil(k / 64) words.
//
//   q8   scale = f16(max|x| * f32(1 / 127));  q = clamp(round(x / scale), -127, 127);  x' = q * scale
//   q4   scale = f16(m * (-1 / 8)) where m is the first x with the largest magnitude, sign kept;
//        q = clamp(round(x / scale) + 8, 0, 15);  x' = (q - 8) * scale
//
// Matrices of GGUF files stay as they are as well (q4_1, q5_0, q5_1, iq4_nl, q2_k to q6_k): blocks as ggml
// lays them out, except that an f16 scale which keeps a block from being whole words stands in the second
// plane, two a word as in q8 (gguf/pack-blocks.ts; the shaders/lib/dequantize-*.wgsl have the layouts).
//
// Matrices that their files have quantised with zero points, or to fp8, stay as they are:
//
//   q4z  values as in q4;  q8z  as in q8, unsigned. The second plane holds a word a block: the upper 24
//        bits of the scale as f32, which lose nothing of an f16 or bf16, and the zero point in the
//        lowest 8; x' = (q - zero) * scale
//   f8   values: one word four bytes of E4M3FN, the first in the low byte; k fills blocks of 32. The
//        second plane holds the scale of each 128 elements of a row as f32, so ceil(k / 128) words a row
//
// Products and quotients are f32; `f16` rounds to nearest even; `round` takes ties to even, as WGSL's
// does; x is divided by the scale as stored, since that is what x' is made of. A scale of zero gives
// q = round(0). WGSL allows a quotient 2.5 units in the last place of error, so on a GPU q may differ by
// one where x / scale is that close to halfway between two integers.
import { EngineError } from '../errors.ts'
import type { TargetFormat } from '../kernels/quantize.ts'
import { weightFormats, type WeightFormat } from '../kernels/weight-format.ts'
import { float16Bits, float16Value, roundHalfEven } from './float16.ts'

/** Elements that share a scale, along k. */
export const quantizationBlock = 32

/** The words of a matrix; `scales` is empty for formats without scales. */
export type WeightPlanes = { readonly values: Uint32Array; readonly scales: Uint32Array }

/**
 * Lengths in u32 words of the planes of a matrix [n][k].
 *
 * @throws EngineError `unsupported-format` where k does not fill whole blocks of the format.
 */
export const planeSizes = (
  format: WeightFormat,
  n: number,
  k: number,
): { readonly values: number; readonly scales: number } => {
  const { blockColumns, blockWords, scaleColumns } = weightFormats[format]
  if (k % blockColumns !== 0) {
    throw new EngineError(
      'unsupported-format',
      `A matrix with ${k} columns can't be stored as ${format}: the columns must be a multiple of ` +
        `${blockColumns}. Load this model with weights in f32.`,
      { details: { format, columns: k, multiple: blockColumns } },
    )
  }
  const scales = scaleColumns === 0 ? 0 : n * Math.ceil(k / scaleColumns)
  return { values: n * (k / blockColumns) * blockWords, scales }
}

const inverse127 = Math.fround(1 / 127)

const largest = (block: Float32Array) =>
  block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0)

/** Scale (f16 bits) and the 32 signed values of a q8 block. */
export const quantizeBlockQ8 = (block: Float32Array): { scale: number; q: Int8Array } => {
  const scale = float16Bits(Math.abs(largest(block)) * inverse127)
  const divisor = float16Value(scale)
  const quantized = (x: number) =>
    Math.max(-127, Math.min(127, roundHalfEven(Math.fround(x / divisor))))
  return { scale, q: Int8Array.from(block, (x) => (divisor === 0 ? 0 : quantized(x))) }
}

/** Scale (f16 bits) and the 32 values 0..15 of a q4 block, in element order. */
export const quantizeBlockQ4 = (block: Float32Array): { scale: number; q: Uint8Array } => {
  const scale = float16Bits(largest(block) / -8)
  const divisor = float16Value(scale)
  const quantized = (x: number) =>
    Math.max(0, Math.min(15, roundHalfEven(Math.fround(x / divisor)) + 8))
  return { scale, q: Uint8Array.from(block, (x) => (divisor === 0 ? 8 : quantized(x))) }
}

const packBlock = (format: 'q8' | 'q4', block: Float32Array, target: Uint8Array): number => {
  if (format === 'q8') {
    const { scale, q } = quantizeBlockQ8(block)
    target.set(new Uint8Array(q.buffer))
    return scale
  }
  const { scale, q } = quantizeBlockQ4(block)
  for (let i = 0; i < 16; i++) target[i] = q[i]! | (q[i + 16]! << 4)
  return scale
}

/** Stores a matrix [n][k] of f32, row after row, in a format. */
export const quantize = (
  format: TargetFormat,
  matrix: Float32Array,
  n: number,
  k: number,
): WeightPlanes => {
  const sizes = planeSizes(format, n, k)
  const values = new Uint32Array(sizes.values)
  const scales = new Uint32Array(sizes.scales)
  if (format === 'f32') new Float32Array(values.buffer).set(matrix)
  else if (format === 'f16')
    new Uint16Array(values.buffer).set(Uint16Array.from(matrix, float16Bits))
  else {
    const bytes = new Uint8Array(values.buffer)
    const halves = new Uint16Array(scales.buffer)
    const blockBytes = weightFormats[format].blockWords * 4
    forEachBlock(n, k, (block, half) => {
      const elements = matrix.subarray(block * quantizationBlock, (block + 1) * quantizationBlock)
      const target = bytes.subarray(block * blockBytes, (block + 1) * blockBytes)
      halves[half] = packBlock(format, elements, target)
    })
  }
  return { values, scales }
}

/** A stored matrix [n][k] back as f32: exact, since every x' is representable. */
export const dequantize = (
  format: TargetFormat,
  planes: WeightPlanes,
  n: number,
  k: number,
): Float32Array => {
  const { buffer, byteOffset, byteLength } = planes.values
  if (format === 'f32') return new Float32Array(buffer, byteOffset, n * k).slice()
  if (format === 'f16') {
    return Float32Array.from(new Uint16Array(buffer, byteOffset, n * k), float16Value)
  }
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  const halves = new Uint16Array(planes.scales.buffer, planes.scales.byteOffset)
  const matrix = new Float32Array(n * k)
  forEachBlock(n, k, (block, half) => {
    const scale = float16Value(halves[half]!)
    for (let i = 0; i < quantizationBlock; i++) {
      matrix[block * quantizationBlock + i] = unpack(format, bytes, block, i) * scale
    }
  })
  return matrix
}

const unpack = (format: 'q8' | 'q4', bytes: Uint8Array, block: number, i: number): number => {
  if (format === 'q8') return (bytes[block * 32 + i]! << 24) >> 24
  const byte = bytes[block * 16 + (i % 16)]!
  return (i < 16 ? byte & 15 : byte >>> 4) - 8
}

/** Visits the blocks of a matrix with each one's index and the place of its scale among the f16s. */
const forEachBlock = (n: number, k: number, visit: (block: number, half: number) => void): void => {
  const blocksPerRow = k / quantizationBlock
  const halvesPerRow = 2 * Math.ceil(blocksPerRow / 2)
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < blocksPerRow; i++) visit(row * blocksPerRow + i, row * halvesPerRow + i)
  }
}
