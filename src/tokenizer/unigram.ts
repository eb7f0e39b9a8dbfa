import { createByteFallback } from './byte-fallback.ts'
import { createPrefixSearch } from './prefix-search.ts'
import type { TokenModel } from './token-model.ts'

export type UnigramOptions = {
  /** Tokens with their log probabilities; the place in the list is the id. */
  readonly vocab: readonly (readonly [token: string, score: number])[]
  readonly unkId: number | null
  readonly byteFallback: boolean
}

/** Log probability of an unknown character below the least likely token, as in SentencePiece. */
const unknownPenalty = 10

type BestPath = {
  /** By end position: where the last token of the best path begins, and whether it is unknown. */
  readonly starts: Int32Array
  readonly unknown: Uint8Array
}

const createViterbi = ({ vocab, unkId }: UnigramOptions): ((word: string) => BestPath) => {
  const search = createPrefixSearch(vocab.map(([token]) => token))
  const leastScore = vocab.reduce((least, [, score]) => Math.min(least, score), Infinity)
  const unknownScore = leastScore - unknownPenalty
  return (word) => {
    const scores = new Float64Array(word.length + 1)
    const starts = new Int32Array(word.length + 1).fill(-1)
    const unknown = new Uint8Array(word.length + 1)
    const offer = (start: number, end: number, score: number, isUnknown: boolean) => {
      const total = (scores[start] ?? 0) + score
      if (starts[end] !== -1 && total <= (scores[end] ?? 0)) return
      scores[end] = total
      starts[end] = start
      unknown[end] = isUnknown ? 1 : 0
    }
    let at = 0
    while (at < word.length) {
      const characterEnd = at + String.fromCodePoint(word.codePointAt(at) ?? 0).length
      let isCovered = false
      search(word, at, (id, length) => {
        if (at + length === characterEnd) isCovered = true
        offer(at, at + length, vocab[id]?.[1] ?? 0, id === unkId)
      })
      if (!isCovered) offer(at, characterEnd, unknownScore, true)
      at = characterEnd
    }
    return { starts, unknown }
  }
}

/** The pieces of the best path in order; neighbouring unknown ones are joined. */
const collectPieces = (word: string, { starts, unknown }: BestPath): string[] => {
  const pieces: string[] = []
  let fusedEnd = -1
  let end = word.length
  while (end > 0) {
    const start = starts[end] ?? 0
    if (unknown[end] === 1) {
      if (fusedEnd === -1) fusedEnd = end
    } else {
      if (fusedEnd !== -1) pieces.push(word.slice(end, fusedEnd))
      fusedEnd = -1
      pieces.push(word.slice(start, end))
    }
    end = start
  }
  if (fusedEnd !== -1) pieces.push(word.slice(0, fusedEnd))
  return pieces.toReversed()
}

/**
 * SentencePiece's unigram model: the split of a word with the greatest sum of log probabilities
 * (Viterbi). Where two are equal the one found first stays, which is the one with the earlier
 * beginning of its last token.
 */
export const createUnigram = (options: UnigramOptions): TokenModel => {
  const { unkId } = options
  const vocab = new Map(options.vocab.map(([token], id) => [token, id]))
  const findBest = createViterbi(options)
  const spellBytes = options.byteFallback ? createByteFallback(vocab) : () => null
  const unknown = unkId === null ? [] : [unkId]
  const idsOf = (piece: string): readonly number[] => {
    const id = vocab.get(piece)
    return id === undefined ? (spellBytes(piece) ?? unknown) : [id]
  }
  return {
    vocab,
    encode: (word) => collectPieces(word, findBest(word)).flatMap(idsOf),
  }
}
