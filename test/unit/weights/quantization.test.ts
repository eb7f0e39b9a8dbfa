import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TargetFormat } from '../../../src/kernels/quantize.ts'
import type { WeightFormat } from '../../../src/kernels/weight-format.ts'
import { float16Bits, float16Value, roundHalfEven } from '../../../src/weights/float16.ts'
import {
  dequantize,
  planeSizes,
  quantize,
  quantizeBlockQ4,
  quantizeBlockQ8,
} from '../../../src/weights/quantization.ts'

test('every f16 survives the way through f32', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = float16Value(bits)
    if (!Number.isNaN(value) && float16Bits(value) !== bits) expect(float16Bits(value)).toBe(bits)
  }
  expect(float16Bits(NaN)).toBe(0x7e00)
})

test('between two f16s the nearer wins, ties go to the even one', () => {
  for (let bits = 0; bits < 0x7bff; bits += 1) {
    const low = float16Value(bits)
    const step = float16Value(bits + 1) - low
    const even = bits % 2 === 0 ? bits : bits + 1
    const found = [low + step / 2, low + step * 0.499, -(low + step * 0.501)].map(float16Bits)
    const expected = [even, bits, 0x8000 | (bits + 1)]
    if (String(found) !== String(expected)) expect(found).toEqual(expected)
  }
  expect([65519, 65520, 1e9, -Infinity].map(float16Bits)).toEqual([0x7bff, 0x7c00, 0x7c00, 0xfc00])
})

test('round takes ties to even', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, -2.6].map(roundHalfEven)).toEqual([
    0, 2, 2, 0, -2, 2, -3,
  ])
})

test('plane sizes in words', () => {
  expect(planeSizes('f32', 3, 5)).toEqual({ values: 15, scales: 0 })
  expect(planeSizes('f16', 3, 6)).toEqual({ values: 9, scales: 0 })
  expect(planeSizes('q8', 3, 96)).toEqual({ values: 72, scales: 6 })
  expect(planeSizes('q4', 3, 64)).toEqual({ values: 24, scales: 3 })
})

test.each<[WeightFormat, number]>([
  ['f16', 5],
  ['q8', 48],
  ['q4', 33],
])('%s refuses %i columns', (format, columns) => {
  expect(() => planeSizes(format, 2, columns)).toThrowError(
    expect.objectContaining({ code: 'unsupported-format' }),
  )
})

const ramp = Float32Array.from({ length: 32 }, (_, i) => i - 12)

test('a q8 block by hand', () => {
  const { scale, q } = quantizeBlockQ8(ramp)
  // 19 / 127 = 0.14960..., whose nearest f16 is 1226 * 2^-13.
  expect(float16Value(scale)).toBe(1226 * 2 ** -13)
  expect([q[0], q[11], q[12], q[13], q[31]]).toEqual([-80, -7, 0, 7, 127])
})

test('a q4 block by hand', () => {
  const { scale, q } = quantizeBlockQ4(ramp)
  // The largest magnitude is +19, so the scale is -19 / 8 and 19 becomes 0.
  expect(float16Value(scale)).toBe(-2.375)
  expect([q[0], q[12], q[14], q[31]]).toEqual([13, 8, 7, 0])
})

test('of two opposite extremes the first sets the sign of a q4 scale', () => {
  const block = new Float32Array(32)
  block[3] = 8
  block[9] = -8
  expect(float16Value(quantizeBlockQ4(block).scale)).toBe(-1)
  expect(quantizeBlockQ4(block).q[9]).toBe(15)
})

test('a block of zeros stays zero', () => {
  expect(new Set(quantizeBlockQ8(new Float32Array(32)).q)).toEqual(new Set([0]))
  expect(new Set(quantizeBlockQ4(new Float32Array(32)).q)).toEqual(new Set([8]))
  expect(new Set(dequantize('q4', quantize('q4', new Float32Array(64), 2, 32), 2, 32))).toEqual(
    new Set([0]),
  )
})

test('words are laid out as documented', () => {
  const matrix = new Float32Array(2 * 96)
  for (let block = 0; block < 6; block++) {
    for (let i = 0; i < 32; i++) matrix[block * 32 + i] = (ramp[i] ?? 0) * (block + 1)
  }
  const { q, scale } = quantizeBlockQ8(matrix.subarray(96, 128))
  const q8 = quantize('q8', matrix, 2, 96)
  const bytes = Array.from({ length: 4 }, (_, i) => (q[4 + i] ?? 0) & 255)
  expect(q8.values[24 + 1]).toBe(new Uint32Array(new Uint8Array(bytes).buffer)[0])
  expect((q8.scales[2] ?? 0) & 0xffff).toBe(scale)
  expect((q8.scales[3] ?? 0) >>> 16).toBe(0)

  const four = quantizeBlockQ4(matrix.subarray(32, 64))
  const q4 = quantize('q4', matrix, 2, 96)
  expect((q4.values[4] ?? 0) & 0xff).toBe((four.q[0] ?? 0) | ((four.q[16] ?? 0) << 4))
  expect((q4.values[7] ?? 0) >>> 24).toBe((four.q[15] ?? 0) | ((four.q[31] ?? 0) << 4))
  expect((q4.scales[0] ?? 0) >>> 16).toBe(four.scale)

  const f16 = quantize('f16', new Float32Array([1, -2]), 1, 2)
  expect(f16.values[0]).toBe(0xc0003c00)
})

const matrixOf = (scale: number) =>
  fc
    .array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 192, maxLength: 192 })
    .map((values) => Float32Array.from(values, (value) => value * scale))

/** Half a step, plus what rounding the scale to f16 can take from the extremes of a block. */
const tolerance = { f32: () => 0, f16: (most: number) => most * 2 ** -11 + 2 ** -25 } as const
const stepTolerance = { q8: 0.52 / 127 + 2 ** -11, q4: 1.01 / 8 + 2 ** -11 } as const

test.each<TargetFormat>(['f32', 'f16', 'q8', 'q4'])('%s comes back within its step', (format) => {
  fc.assert(
    fc.property(matrixOf(3), (matrix) => {
      const restored = dequantize(format, quantize(format, matrix, 2, 96), 2, 96)
      for (let at = 0; at < matrix.length; at++) {
        const start = at - (at % 32)
        const block = matrix.subarray(start, start + 32)
        const most = Math.max(...Array.from(block, Math.abs))
        const allowed =
          format === 'f32' || format === 'f16'
            ? tolerance[format](most)
            : most * stepTolerance[format] + 2 ** -18
        const error = Math.abs((restored[at] ?? NaN) - (matrix[at] ?? 0))
        if (!(error <= allowed)) throw new Error(`${error} > ${allowed} at ${at} of ${most}`)
      }
    }),
    { numRuns: 60 },
  )
})

test.each<TargetFormat>(['f16', 'q8', 'q4'])(
  '%s: what was restored restores the same',
  (format) => {
    fc.assert(
      fc.property(matrixOf(1), (matrix) => {
        const once = dequantize(format, quantize(format, matrix, 2, 96), 2, 96)
        const twice = dequantize(format, quantize(format, once, 2, 96), 2, 96)
        const step = 2 ** -10
        expect(twice.every((value, i) => Math.abs(value - (once[i] ?? 0)) <= step)).toBe(true)
      }),
      { numRuns: 20 },
    )
  },
)
