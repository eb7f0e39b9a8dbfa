// ggml's K-quants: blocks of 256 elements in 16 groups of 16 or 8 of 32, whose scales are quantised in
// turn by one or two f16 of the block. Layouts as in `ggml-quants.h`; every step rounds to f32.
import { type DequantizeBlock, readFloat16 } from './simple-quants.ts'

const blockElements = 256

/**
 * 16 scales and minima of 4 bits, 64 bytes of 2 bits, f16 d, f16 dmin:
 * q d scale - dmin minimum.
 */
export const dequantizeQ2_K: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at + 80)
  const dmin = readFloat16(bytes, at + 82)
  for (let group = 0; group < 16; group++) {
    const packed = bytes[at + group]!
    const scale = Math.fround(d * (packed & 15))
    const minimum = Math.fround(dmin * (packed >> 4))
    const from = at + 16 + (group >> 3) * 32 + (group & 1) * 16
    const shift = group & 6
    for (let i = 0; i < 16; i++) {
      const q = (bytes[from + i]! >> shift) & 3
      out[outAt + group * 16 + i] = Math.fround(scale * q) - minimum
    }
  }
}

/** 32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits, f16 d: q d (scale - 32). */
export const dequantizeQ3_K: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at + 108)
  const scales = at + 96
  for (let group = 0; group < 16; group++) {
    const low = (bytes[scales + (group & 7)]! >> ((group >> 3) * 4)) & 15
    const high = (bytes[scales + 8 + (group & 3)]! >> ((group >> 2) * 2)) & 3
    const scale = Math.fround(d * ((low | (high << 4)) - 32))
    const column = (group & 1) * 16
    const from = at + 32 + (group >> 3) * 32 + column
    const shift = group & 6
    const thirdBit = group >> 1
    for (let i = 0; i < 16; i++) {
      const two = (bytes[from + i]! >> shift) & 3
      // The third bit says that 4 is not to be taken off.
      const third = (bytes[at + column + i]! >> thirdBit) & 1
      out[outAt + group * 16 + i] = scale * (two - 4 + 4 * third)
    }
  }
}

/** The 6-bit scale of one of 8 groups, of 12 bytes that hold 8 scales and 8 minima. */
const groupScale = (bytes: Uint8Array, at: number, group: number): number =>
  group < 4
    ? bytes[at + group]! & 63
    : (bytes[at + group + 4]! & 15) | ((bytes[at + group - 4]! >> 2) & 0x30)

const groupMinimum = (bytes: Uint8Array, at: number, group: number): number =>
  group < 4
    ? bytes[at + group + 4]! & 63
    : (bytes[at + group + 4]! >> 4) | ((bytes[at + group]! >> 2) & 0x30)

/** f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of 4 bits: q d scale - dmin minimum. */
export const dequantizeQ4_K: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  const dmin = readFloat16(bytes, at + 2)
  for (let group = 0; group < 8; group++) {
    const scale = Math.fround(d * groupScale(bytes, at + 4, group))
    const minimum = Math.fround(dmin * groupMinimum(bytes, at + 4, group))
    const from = at + 16 + (group >> 1) * 32
    const shift = (group & 1) * 4
    for (let i = 0; i < 32; i++) {
      const q = (bytes[from + i]! >> shift) & 15
      out[outAt + group * 32 + i] = Math.fround(scale * q) - minimum
    }
  }
}

/** As Q4_K with 32 bytes of fifth bits before the 128: bit g of byte i belongs to group g. */
export const dequantizeQ5_K: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at)
  const dmin = readFloat16(bytes, at + 2)
  for (let group = 0; group < 8; group++) {
    const scale = Math.fround(d * groupScale(bytes, at + 4, group))
    const minimum = Math.fround(dmin * groupMinimum(bytes, at + 4, group))
    const from = at + 48 + (group >> 1) * 32
    const shift = (group & 1) * 4
    for (let i = 0; i < 32; i++) {
      const fifth = (bytes[at + 16 + i]! >> group) & 1
      const q = ((bytes[from + i]! >> shift) & 15) | (fifth << 4)
      out[outAt + group * 32 + i] = Math.fround(scale * q) - minimum
    }
  }
}

/** 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales, f16 d: (q - 32) d scale. */
export const dequantizeQ6_K: DequantizeBlock = (bytes, at, out, outAt) => {
  const d = readFloat16(bytes, at + 208)
  for (let first = 0; first < blockElements; first += 16) {
    const scale = Math.fround(d * ((bytes[at + 192 + (first >> 4)]! << 24) >> 24))
    const lowAt = at + (first >> 7) * 64 + (first & 63)
    const lowShift = ((first >> 6) & 1) * 4
    const highAt = at + 128 + (first >> 7) * 32 + (first & 31)
    const highShift = ((first >> 5) & 3) * 2
    for (let i = 0; i < 16; i++) {
      const low = (bytes[lowAt + i]! >> lowShift) & 15
      const high = (bytes[highAt + i]! >> highShift) & 3
      out[outAt + first + i] = scale * ((low | (high << 4)) - 32)
    }
  }
}
