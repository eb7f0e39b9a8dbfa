import type { TokenModel } from './token-model.ts'

export type WordPieceOptions = {
  readonly vocab: ReadonlyMap<string, number>
  readonly unkId: number
  /** Marks tokens that do not begin a word: `##`. */
  readonly continuingSubwordPrefix: string
  /** Longer words, in characters, are unknown as a whole. */
  readonly maxWordLength: number
}

/** WordPiece: the longest token first, and an unknown word where the rest has none. */
export const createWordPiece = (options: WordPieceOptions): TokenModel => {
  const { vocab, continuingSubwordPrefix: prefix, maxWordLength } = options
  const longestToken = [...vocab.keys()].reduce((most, token) => Math.max(most, token.length), 0)
  const unknown = [options.unkId]

  const findLongest = (characters: readonly string[], start: number) => {
    const marker = start === 0 ? '' : prefix
    const last = Math.min(characters.length, start + longestToken)
    for (let end = last; end > start; end -= 1) {
      const id = vocab.get(marker + characters.slice(start, end).join(''))
      if (id !== undefined) return { id, end }
    }
    return null
  }
  return {
    vocab,
    encode: (word) => {
      const characters = Array.from(word)
      if (characters.length > maxWordLength) return unknown
      const ids: number[] = []
      for (let start = 0; start < characters.length;) {
        const found = findLongest(characters, start)
        if (!found) return unknown
        ids.push(found.id)
        start = found.end
      }
      return ids
    },
  }
}
