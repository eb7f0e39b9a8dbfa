// The block formats with one scale for 32 elements, as `ggml-quants.h` of ggml lays them out. Byte i
// of 16 holds element i in its low nibble and element i + 16 in its high one. Every step rounds to
// f32, as the `gguf` Python package does, whose values these equal bit for bit.
import { float16Value } from '../float16.ts'

/** Elements of one block at `at` of `bytes` to `outAt` of `out`. */
export type DequantizeBlock = (
  bytes: Uint8Array,
  at: number,
  out: Float32Array,
  outAt: number,
) => void

let float16Values: Float32Array | null = null

/** The f16 at `at`: by a table of 256 KiB, some forty times as fast as working it out each time. */
export const readFloat16 = (bytes: Uint8Array, at: number): number => {
  float16Values ??= Float32Array.from({ length: 0x10000 }, (_, bits) => float16Value(bits))
  return float16Values[bytes[at]! | (bytes[at + 1]! << 8)]!
}

const half = 16

/** f16 d, 16 bytes: (q - 8) d. */
export const dequantizeQ4_0: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  for (let i = 0; i < half; i++) {
    const byte = bytes[at + 2 + i]!
    out[outAt + i] = d * ((byte & 15) - 8)
    out[outAt + half + i] = d * ((byte >> 4) - 8)
  }
}

/** f16 d, f16 m, 16 bytes: q d + m. */
export const dequantizeQ4_1: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  const m = readFloat16(bytes, at + 2)
  for (let i = 0; i < half; i++) {
    const byte = bytes[at + 4 + i]!
    out[outAt + i] = Math.fround(d * (byte & 15)) + m
    out[outAt + half + i] = Math.fround(d * (byte >> 4)) + m
  }
}

/** Fifth bits, 4 bytes: bit i of the 32 belongs to element i. */
const readFifthBits = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

/** f16 d, 4 bytes of fifth bits, 16 bytes: (q - 16) d. */
export const dequantizeQ5_0: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  const fifth = readFifthBits(bytes, at + 2)
  for (let i = 0; i < half; i++) {
    const byte = bytes[at + 6 + i]!
    out[outAt + i] = d * (((byte & 15) | (((fifth >>> i) & 1) << 4)) - 16)
    out[outAt + half + i] = d * (((byte >> 4) | (((fifth >>> (i + half)) & 1) << 4)) - 16)
  }
}

/** f16 d, f16 m, 4 bytes of fifth bits, 16 bytes: q d + m. */
export const dequantizeQ5_1: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  const m = readFloat16(bytes, at + 2)
  const fifth = readFifthBits(bytes, at + 4)
  for (let i = 0; i < half; i++) {
    const byte = bytes[at + 8 + i]!
    const low = (byte & 15) | (((fifth >>> i) & 1) << 4)
    const high = (byte >> 4) | (((fifth >>> (i + half)) & 1) << 4)
    out[outAt + i] = Math.fround(d * low) + m
    out[outAt + half + i] = Math.fround(d * high) + m
  }
}

/** f16 d, 32 signed bytes: q d. */
export const dequantizeQ8_0: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  for (let i = 0; i < 32; i++) out[outAt + i] = d * ((bytes[at + 2 + i]! << 24) >> 24)
}

const levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]

/** f16 d, 16 bytes: level[q] d, the levels closer together around zero. */
export const dequantizeIQ4_NL: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  for (let i = 0; i < half; i++) {
    const byte = bytes[at + 2 + i]!
    out[outAt + i] = d * levels[byte & 15]!
    out[outAt + half + i] = d * levels[byte >> 4]!
  }
}
