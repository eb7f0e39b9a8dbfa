/** Deeper than any schema or argument that people write; what walks JSON here recurses. */
const deepest = 256

/** Counts levels as it goes through a list of what is left to see, so that no depth hurts it. */
const isTooDeep = (value: unknown): boolean => {
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue
    if (next.depth > deepest) return true
    for (const inner of Object.values(next.value)) {
      if (typeof inner === 'object') waiting.push({ value: inner, depth: next.depth + 1 })
    }
  }
  return false
}

/** @throws SyntaxError for text that is no JSON, or JSON that nests beyond all reason. */
export const parseJsonText = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  if (isTooDeep(value)) throw new SyntaxError(`JSON nests more than ${deepest} levels deep`)
  return value
}
