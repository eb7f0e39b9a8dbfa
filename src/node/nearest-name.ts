/** Single-character insertions, removals and replacements that make one word of the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The name that was probably meant; null where none is near. */
export const nearestName = (given: string, names: readonly string[]): string | null => {
  const ranked = names
    .map((name) => ({ name, apart: distance(given, name) }))
    .toSorted((a, b) => a.apart - b.apart)
  const [nearest] = ranked
  return nearest && nearest.apart <= Math.max(2, given.length / 3) ? nearest.name : null
}
