const floatView = new Float32Array(1)
const bitView = new Uint32Array(floatView.buffer)

/** IEEE 754 binary16 bits of a number already rounded to f32: round to nearest, ties to even. */
export const float16Bits = (value: number): number => {
  floatView[0] = value
  const bits = bitView[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  // From 65520 on, half a step past the largest finite f16, the nearest value is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // Below 2^-14 results are subnormal: whole steps of 2^-24, which f64 arithmetic counts exactly.
  if (magnitude < 0x38800000) return sign | roundHalfEven(Math.abs(floatView[0]) * 2 ** 24)
  // Adding just under half a step, plus one when the kept part is odd, rounds ties to even; a
  // carry out of the mantissa moves into the exponent, as it must.
  const rounded = magnitude + 0x0fff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

/** The exact value of IEEE 754 binary16 bits. */
export const float16Value = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const mantissa = bits & 0x3ff
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN
  return sign * (1024 + mantissa) * 2 ** (exponent - 25)
}

/** The exact value of bfloat16 bits: the upper half of an f32. */
export const bfloat16Value = (bits: number): number => {
  bitView[0] = bits << 16
  return floatView[0]!
}

/** Nearest integer, ties to even: WGSL's `round`, where `Math.round` takes ties upward. */
export const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value)
  const fraction = value - floor
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}
