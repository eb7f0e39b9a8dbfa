/** Calls back with every token that `text` has at `start`, the shortest first. */
export type PrefixSearch = (
  text: string,
  start: number,
  found: (index: number, length: number) => void,
) => void

/**
 * Finds tokens by narrowing a range of the sorted list, one code unit at a time. A trie of a
 * 250,000-token vocabulary would take a hundred megabytes of JavaScript objects, this takes the
 * list. Where a token comes twice, the last one counts.
 */
export const createPrefixSearch = (tokens: readonly string[]): PrefixSearch => {
  const indexOf = new Map(tokens.map((token, index) => [token, index]))
  const sorted = [...indexOf.keys()].sort()
  /** First place in [low, high) whose token has at least `unit` at `depth`. */
  const lowerBound = (low: number, high: number, depth: number, unit: number): number => {
    let [from, to] = [low, high]
    while (from < to) {
      const middle = (from + to) >> 1
      const token = sorted[middle] ?? ''
      const here = depth < token.length ? token.charCodeAt(depth) : -1
      if (here < unit) from = middle + 1
      else to = middle
    }
    return from
  }
  const firstRanges = new Map<number, readonly [number, number]>()
  const firstRange = (unit: number): readonly [number, number] => {
    const known = firstRanges.get(unit)
    if (known) return known
    const low = lowerBound(0, sorted.length, 0, unit)
    const range = [low, lowerBound(low, sorted.length, 0, unit + 1)] as const
    firstRanges.set(unit, range)
    return range
  }
  return (text, start, found) => {
    let [low, high] = firstRange(text.charCodeAt(start))
    for (let depth = 1; low < high; depth += 1) {
      const token = sorted[low] ?? ''
      if (token.length === depth) found(indexOf.get(token) ?? 0, depth)
      if (start + depth >= text.length) return
      const unit = text.charCodeAt(start + depth)
      low = lowerBound(low, high, depth, unit)
      high = lowerBound(low, high, depth, unit + 1)
    }
  }
}
