/** Ranges of code points, both ends inclusive, ascending and apart. */
export type CodePoints = readonly (readonly [first: number, last: number])[]

const lastCodePoint = 0x10ffff

/** What UTF-8 can write: everything but surrogates. */
export const allCodePoints: CodePoints = [
  [0, 0xd7ff],
  [0xe000, lastCodePoint],
]

export const union = (...sets: readonly CodePoints[]): CodePoints => {
  const merged: [number, number][] = []
  for (const [first, last] of sets.flat().sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

export const intersect = (a: CodePoints, b: CodePoints): CodePoints =>
  a.flatMap(([first, last]) =>
    b.flatMap(([from, to]): CodePoints => {
      const [start, end] = [Math.max(first, from), Math.min(last, to)]
      return start <= end ? [[start, end]] : []
    }),
  )

/** What UTF-8 can write and is not in the set. */
export const complement = (set: CodePoints): CodePoints => {
  let next = 0
  const gaps: [number, number][] = []
  for (const [first, last] of union(set)) {
    if (first > next) gaps.push([next, first - 1])
    next = last + 1
  }
  if (next <= lastCodePoint) gaps.push([next, lastCodePoint])
  return intersect(gaps, allCodePoints)
}

export const codePointsOf = (text: string): CodePoints =>
  union(
    Array.from(text, (character): [number, number] => {
      const code = character.codePointAt(0) ?? 0
      return [code, code]
    }),
  )

export const sizeOf = (set: CodePoints): number =>
  set.reduce((size, [first, last]) => size + last - first + 1, 0)
