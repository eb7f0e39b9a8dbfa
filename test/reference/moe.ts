// A mixture of experts in plain float64, on dequantised weights.
import { inverseRms } from './linear.ts'

export type MoeCase = {
  /** [tokens][hiddenSize] */
  readonly hidden: Float32Array
  /** [hiddenSize] */
  readonly normWeight: Float32Array
  readonly eps: number
  /** [numExperts][hiddenSize] */
  readonly router: Float32Array
  /** [numExperts][2 * intermediateSize][hiddenSize], gate and up rows in turn. */
  readonly gateUp: Float32Array
  /** [numExperts][hiddenSize][intermediateSize] */
  readonly down: Float32Array
  readonly numTokens: number
  readonly hiddenSize: number
  readonly numExperts: number
  readonly topK: number
  readonly intermediateSize: number
  readonly hasSumOfOne: boolean
  readonly scale: number
}

const product = (
  matrix: Float32Array,
  firstRow: number,
  numRows: number,
  x: Float64Array,
): Float64Array =>
  Float64Array.from({ length: numRows }, (_, row) =>
    x.reduce((sum, value, k) => sum + value * matrix[(firstRow + row) * x.length + k]!, 0),
  )

/** A token's experts, best first, each with its part of the softmax over all. */
const route = (logits: Float64Array, topK: number) => {
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
  return [...logits.entries()]
    .sort(([, a], [, b]) => b - a)
    .slice(0, topK)
    .map(([expert, logit]) => ({ expert, share: Math.exp(logit) / total }))
}

/** [tokens][hiddenSize], and the experts of each token. */
export const moeReference = (
  options: MoeCase,
): { readonly values: Float64Array; readonly experts: readonly (readonly number[])[] } => {
  const { hidden, normWeight, eps, numTokens, hiddenSize, numExperts, intermediateSize } = options
  const values = new Float64Array(numTokens * hiddenSize)
  const experts: number[][] = []
  for (let token = 0; token < numTokens; token++) {
    const row = hidden.subarray(token * hiddenSize, (token + 1) * hiddenSize)
    const scale = inverseRms(row, eps)
    const x = Float64Array.from(row, (value, k) => value * scale * normWeight[k]!)
    const chosen = route(product(options.router, 0, numExperts, x), options.topK)
    const sum = options.hasSumOfOne ? chosen.reduce((total, { share }) => total + share, 0) : 1
    experts.push(chosen.map(({ expert }) => expert))
    const out = Float64Array.from(row)
    for (const { expert, share } of chosen) {
      const width = 2 * intermediateSize
      const pairs = product(options.gateUp, expert * width, width, x)
      const activation = Float64Array.from(
        { length: intermediateSize },
        (_, j) => (pairs[2 * j]! / (1 + Math.exp(-pairs[2 * j]!))) * pairs[2 * j + 1]!,
      )
      const y = product(options.down, expert * hiddenSize, hiddenSize, activation)
      y.forEach((value, i) => (out[i]! += (options.scale * share * value) / sum))
    }
    values.set(out, token * hiddenSize)
  }
  return { values, experts }
}
