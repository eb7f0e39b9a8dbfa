// The linear layer in plain float64, on dequantised weights.
import type { Activation, Epilogue } from '../../src/kernels/linear-spec.ts'

export type LinearCase = {
  /** [rows][columns] */
  readonly x: Float32Array
  /** [weightRows][columns] */
  readonly weight: Float32Array
  readonly rows: number
  readonly weightRows: number
  readonly columns: number
  readonly norm?: { readonly weight: Float32Array; readonly eps: number }
  readonly bias?: Float32Array
  readonly outputScale?: number
  readonly softCap?: number
}

/** 1 / sqrt(mean(v^2) + eps) */
export const inverseRms = (v: Float32Array, eps: number): number => {
  let squares = 0
  for (const value of v) squares += value * value
  return 1 / Math.sqrt(squares / v.length + eps)
}

/** (v - mean) / sqrt(mean of the squared deviations + eps) */
export const layerNormReference = (v: Float64Array, eps: number): Float64Array => {
  const mean = v.reduce((sum, value) => sum + value, 0) / v.length
  const variance = v.reduce((sum, value) => sum + (value - mean) ** 2, 0) / v.length
  return v.map((value) => (value - mean) / Math.sqrt(variance + eps))
}

/** x * norm -> product -> bias -> scale -> cap: what the epilogue gets, [rows][weightRows]. */
export const linearReference = (options: LinearCase): Float64Array => {
  const { x, weight, rows, weightRows, columns, norm, bias } = options
  const { outputScale = 1, softCap } = options
  const out = new Float64Array(rows * weightRows)
  for (let m = 0; m < rows; m++) {
    const row = x.subarray(m * columns, (m + 1) * columns)
    const scale = norm ? inverseRms(row, norm.eps) : 1
    for (let n = 0; n < weightRows; n++) {
      let sum = 0
      for (let k = 0; k < columns; k++) {
        sum += row[k]! * (norm ? norm.weight[k]! : 1) * weight[n * columns + k]!
      }
      const value = (sum * scale + (bias ? bias[n]! : 0)) * outputScale
      out[m * weightRows + n] = softCap ? softCap * Math.tanh(value / softCap) : value
    }
  }
  return out
}

/**
 * erf by its Taylor series below 3, and beyond by the continued fraction of erfc
 * (https://dlmf.nist.gov/7.6#E1, https://dlmf.nist.gov/7.9#E1).
 */
export const erf = (x: number): number => {
  if (x < 0) return -erf(-x)
  if (x > 3) {
    let fraction = x
    for (let k = 60; k > 0; k--) fraction = x + k / 2 / fraction
    return 1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction)
  }
  let [term, sum] = [x, x]
  for (let k = 1; Math.abs(term) > 1e-20; k++) {
    term *= (-x * x) / k
    sum += term / (2 * k + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export const activations: Readonly<Record<Activation, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  'gelu-tanh': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
}

const gates = {
  swiglu: activations.silu,
  geglu: activations.gelu,
  'geglu-tanh': activations['gelu-tanh'],
}

/** act(gate) * up over pairs of columns (2j, 2j + 1). */
const gatedReference = (pairs: Float64Array, activate: (x: number) => number): Float64Array =>
  Float64Array.from(
    { length: pairs.length / 2 },
    (_, j) => activate(pairs[2 * j]!) * pairs[2 * j + 1]!,
  )

/** What an epilogue writes, or adds, for the sums of a row. */
export const epilogueReference = (sums: Float64Array, epilogue: Epilogue): Float64Array => {
  switch (epilogue) {
    case 'store':
    case 'add':
      return sums
    case 'silu':
    case 'gelu':
    case 'gelu-tanh':
      return sums.map(activations[epilogue])
    case 'swiglu':
    case 'geglu':
    case 'geglu-tanh':
      return gatedReference(sums, gates[epilogue])
  }
}
