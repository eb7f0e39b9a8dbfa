/**
 * A noncharacter (Unicode keeps it for use inside programs). It stands in front of what came as a
 * special token, so that the same characters spelled from ordinary tokens are no marker.
 */
const mark = '\ufdd0'

/** The tokens of a vocabulary that are never parts of words, by their text. */
export type AddedTokens = ReadonlyMap<string, { readonly id: number }>

export type TokenMarks = {
  /** A format's data as its interpreter is to read marked text. */
  data<Data>(data: Data): Data
  /** The text of these tokens, with the special ones among them marked. */
  push(text: string, tokenIds: readonly number[]): string
  /** Text for the caller. */
  clean(text: string): string
}

const unmarked: TokenMarks = { data: (data) => data, push: (text) => text, clean: (text) => text }

/** Runs of letters or of white space are vocabulary entries, not markers. */
const isMarker = (token: string) => /[^\p{L}\p{N}\s]/u.test(token) && token.length > 2

/**
 * Marks for those of the tokens that one of the literals holds. Without tokens a marker counts
 * however it is spelled.
 */
export const createTokenMarks = (
  tokens: AddedTokens | undefined,
  literals: readonly string[],
): TokenMarks => {
  const known = [...(tokens ?? [])]
    .filter(([token]) => isMarker(token) && literals.some((literal) => literal.includes(token)))
    .toSorted(([a], [b]) => b.length - a.length)
  if (known.length === 0) return unmarked
  const textsById = new Map(known.map(([token, { id }]) => [id, token]))

  const markLiteral = (literal: string): string => {
    let marked = ''
    for (let at = 0; at < literal.length;) {
      const [token] = known.find(([candidate]) => literal.startsWith(candidate, at)) ?? [null]
      marked += token === null ? literal.charAt(at) : mark + token
      at += token?.length ?? 1
    }
    return marked
  }
  return {
    // Formats are plain data, which JSON keeps whole.
    data: <Data>(data: Data): Data =>
      JSON.parse(JSON.stringify(data), (_, value: unknown) =>
        typeof value === 'string' ? markLiteral(value) : value,
      ) as Data,
    push: (text, tokenIds) => {
      let marked = ''
      let settled = 0
      for (const id of tokenIds) {
        const token = textsById.get(id)
        const at = token === undefined ? -1 : text.indexOf(token, settled)
        if (token === undefined || at === -1) continue
        marked += text.slice(settled, at) + mark + token
        settled = at + token.length
      }
      return marked + text.slice(settled)
    },
    clean: (text) => text.replaceAll(mark, ''),
  }
}
