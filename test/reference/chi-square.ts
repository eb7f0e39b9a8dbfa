/**
 * Pearson's statistic of counts against probabilities. Rare outcomes are pooled until 8 are expected
 * of each bin; an outcome of probability 0 that was seen gives infinity.
 */
export const chiSquare = (
  counts: readonly number[],
  probabilities: readonly number[],
): { readonly statistic: number; readonly degreesOfFreedom: number } => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const bins: { seen: number; expected: number }[] = []
  let open = { seen: 0, expected: 0 }
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!)
  for (const id of order) {
    if (probabilities[id] === 0 && counts[id]! > 0) {
      return { statistic: Number.POSITIVE_INFINITY, degreesOfFreedom: 0 }
    }
    open.seen += counts[id]!
    open.expected += probabilities[id]! * total
    if (open.expected < 8) continue
    bins.push(open)
    open = { seen: 0, expected: 0 }
  }
  const last = bins.at(-1)
  if (last) {
    last.seen += open.seen
    last.expected += open.expected
  }
  const statistic = bins.reduce(
    (sum, { seen, expected }) => sum + (seen - expected) ** 2 / expected,
    0,
  )
  return { statistic, degreesOfFreedom: bins.length - 1 }
}

/** The 99.9 % point of chi-square, by Wilson and Hilferty's cube root: within 1 % from 2 degrees on. */
export const chiSquareCritical = (degreesOfFreedom: number): number => {
  if (degreesOfFreedom === 0) return 0
  const spread = 2 / (9 * degreesOfFreedom)
  return degreesOfFreedom * (1 - spread + 3.0902 * Math.sqrt(spread)) ** 3
}
