// The linear layer in plain float64, on dequantised weights.

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

const activations = {
  swiglu: (gate: number) => gate / (1 + Math.exp(-gate)),
  geglu: (gate: number) =>
    0.5 * gate * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (gate + 0.044715 * gate ** 3))),
}

/** act(gate) * up over pairs of columns (2j, 2j + 1). */
export const gatedReference = (
  pairs: Float64Array,
  epilogue: keyof typeof activations,
): Float64Array =>
  Float64Array.from(
    { length: pairs.length / 2 },
    (_, j) => activations[epilogue](pairs[2 * j]!) * pairs[2 * j + 1]!,
  )
