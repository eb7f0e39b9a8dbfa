export type AttentionModel = {
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly rotaryDim: number
  readonly eps: number
  readonly qNorm?: ArrayLike<number>
  readonly kNorm?: ArrayLike<number>
  /** Queries of position p are multiplied by 1 + beta * ln(1 + floor(p / length)). */
  readonly queryScaling?: { readonly beta: number; readonly length: number }
}

const angleOf = (position: number, channel: number, rotaryDim: number): number =>
  position / 10_000 ** ((2 * channel) / rotaryDim)

/** The rope table f32 [position][rotaryDim / 2][cos, sin]. */
export const ropeTable = (numPositions: number, rotaryDim: number): Float32Array<ArrayBuffer> => {
  const half = rotaryDim / 2
  const table = new Float32Array(numPositions * rotaryDim)
  for (let position = 0; position < numPositions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = angleOf(position, i, rotaryDim)
      table[(position * half + i) * 2] = Math.cos(angle)
      table[(position * half + i) * 2 + 1] = Math.sin(angle)
    }
  }
  return table
}

const normed = (head: number[], weight: ArrayLike<number> | undefined, eps: number): number[] => {
  if (!weight) return head
  const meanSquare = head.reduce((sum, x) => sum + x * x, 0) / head.length
  return head.map((x, i) => (x / Math.sqrt(meanSquare + eps)) * (weight[i] ?? 0))
}

const rotated = (head: number[], position: number, rotaryDim: number): number[] => {
  const half = rotaryDim / 2
  const out = [...head]
  for (let i = 0; i < half; i++) {
    const angle = angleOf(position, i, rotaryDim)
    const [x, y] = [head[i] ?? 0, head[i + half] ?? 0]
    out[i] = x * Math.cos(angle) - y * Math.sin(angle)
    out[i + half] = y * Math.cos(angle) + x * Math.sin(angle)
  }
  return out
}

export type RotatedToken = { q: number[][]; k: number[][]; v: number[][] }

/** One token's row of qkv, split in heads, with QK-norm and RoPE applied. */
export const rotateToken = (
  model: AttentionModel,
  row: ArrayLike<number>,
  position: number,
): RotatedToken => {
  const { numHeads, numKvHeads, headDim, rotaryDim, eps } = model
  const { beta, length } = model.queryScaling ?? { beta: 0, length: 1 }
  const factor = 1 + beta * Math.log(1 + Math.floor(position / length))
  const heads = (first: number, count: number) =>
    Array.from({ length: count }, (_, h) =>
      Array.from({ length: headDim }, (_, i) => row[(first + h) * headDim + i] ?? 0),
    )
  return {
    q: heads(0, numHeads).map((h) =>
      rotated(normed(h, model.qNorm, eps), position, rotaryDim).map((x) => x * factor),
    ),
    k: heads(numHeads, numKvHeads).map((h) =>
      rotated(normed(h, model.kNorm, eps), position, rotaryDim),
    ),
    v: heads(numHeads + numKvHeads, numKvHeads),
  }
}

const capped = (score: number, softCap: number): number =>
  softCap === 0 ? score : softCap * Math.tanh(score / softCap)

/**
 * Attention of the token at `position` over those before it, and over those after it unless it is
 * causal: [numHeads * headDim].
 */
export const attendToken = (
  model: AttentionModel,
  tokens: readonly RotatedToken[],
  position: number,
  options: { scale: number; softCap?: number; window?: number; causal?: boolean },
): number[] =>
  Array.from({ length: model.numHeads }, (_, head) => {
    const kvHead = Math.floor(head / (model.numHeads / model.numKvHeads))
    const q = tokens[position]?.q[head] ?? []
    const { scale, softCap = 0, window = 0, causal = true } = options
    const visible = tokens.filter((_, key) => {
      const distance = causal ? position - key : Math.abs(position - key)
      return distance >= 0 && (window === 0 || distance < window)
    })
    const scores = visible.map(({ k }) =>
      capped(q.reduce((sum, x, i) => sum + x * (k[kvHead]?.[i] ?? 0), 0) * scale, softCap),
    )
    const highest = Math.max(...scores)
    const weights = scores.map((score) => Math.exp(score - highest))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return Array.from(
      { length: model.headDim },
      (_, i) =>
        visible.reduce((sum, { v }, t) => sum + (weights[t] ?? 0) * (v[kvHead]?.[i] ?? 0), 0) /
        total,
    )
  }).flat()
