import { createByteFallback } from './byte-fallback.ts'
import { refuseFile } from './json-fields.ts'
import { MergeQueue } from './merge-queue.ts'
import type { TokenModel } from './token-model.ts'

export type BpeOptions = {
  readonly vocab: ReadonlyMap<string, number>
  /** In order of rank. */
  readonly merges: readonly (readonly [left: string, right: string])[]
  /** Empty strings: none. */
  readonly unkToken: string
  readonly continuingSubwordPrefix: string
  readonly endOfWordSuffix: string
  /** Neighbouring unknown characters of a word become one unknown token. */
  readonly fuseUnk: boolean
  readonly byteFallback: boolean
  /** A word that is a token as it stands is not split. */
  readonly ignoreMerges: boolean
}

/** Pairs of ids as one number: ids stay below 2^24. */
const pairKey = (left: number, right: number) => left * 2 ** 24 + right

type MergeTable = {
  readonly rankOfPair: ReadonlyMap<number, number>
  readonly idOfRank: Int32Array
}

const readMerges = ({ vocab, merges, continuingSubwordPrefix }: BpeOptions): MergeTable => {
  const rankOfPair = new Map<number, number>()
  const idOfRank = new Int32Array(merges.length)
  for (const [rank, [left, right]] of merges.entries()) {
    const merged = left + right.slice(continuingSubwordPrefix.length)
    const [leftId, rightId, mergedId] = [vocab.get(left), vocab.get(right), vocab.get(merged)]
    if (leftId === undefined || rightId === undefined || mergedId === undefined) {
      throw refuseFile(`model.merges[${rank}]`, 'joins or makes a token outside the vocabulary')
    }
    rankOfPair.set(pairKey(leftId, rightId), rank)
    idOfRank[rank] = mergedId
  }
  return { rankOfPair, idOfRank }
}

/** Merges neighbours, the best-ranked and leftmost pair first, until no pair has a rank. */
const mergeAll = (ids: readonly number[], { rankOfPair, idOfRank }: MergeTable): number[] => {
  const symbols = Int32Array.from(ids)
  const { length } = symbols
  // Neighbours of each symbol; -1 in `symbols` is one that a merge swallowed.
  const previous = Int32Array.from(symbols, (_, at) => at - 1)
  const next = Int32Array.from(symbols, (_, at) => at + 1)
  const queue = new MergeQueue()
  const rankAt = (at: number): number | undefined => {
    const right = next[at] ?? length
    if (at < 0 || right >= length) return undefined
    return rankOfPair.get(pairKey(symbols[at] ?? 0, symbols[right] ?? 0))
  }
  const offer = (at: number) => {
    const rank = rankAt(at)
    if (rank !== undefined) queue.push(rank, at)
  }
  for (let at = 0; at < length; at += 1) offer(at)
  while (queue.pop()) {
    const { rank, position: at } = queue
    const mergedId = idOfRank[rank] ?? 0
    if (symbols[at] === -1) continue
    const rankNow = rankAt(at)
    // The pair has changed since it was put in.
    if (rankNow === undefined || idOfRank[rankNow] !== mergedId) continue
    const swallowed = next[at] ?? length
    const after = next[swallowed] ?? length
    symbols[at] = mergedId
    symbols[swallowed] = -1
    next[at] = after
    if (after < length) previous[after] = at
    offer(previous[at] ?? -1)
    offer(at)
  }
  return Array.from(symbols.filter((id) => id !== -1))
}

/** Splits a word into the ids of its characters, before any merge. */
const createSpeller = (options: BpeOptions): ((word: string) => number[]) => {
  const { vocab, continuingSubwordPrefix, endOfWordSuffix, fuseUnk } = options
  const unkId = vocab.get(options.unkToken)
  const spellBytes = options.byteFallback ? createByteFallback(vocab) : () => null
  return (word) => {
    const ids: number[] = []
    // An unknown token goes in when the next known one comes, so that it can grow.
    let unknownWaits = false
    let end = 0
    for (const character of word) {
      const prefix = end === 0 ? '' : continuingSubwordPrefix
      end += character.length
      const symbol = prefix + character + (end === word.length ? endOfWordSuffix : '')
      const id = vocab.get(symbol)
      if (id !== undefined) {
        if (unknownWaits && unkId !== undefined) ids.push(unkId)
        unknownWaits = false
        ids.push(id)
        continue
      }
      const bytes = spellBytes(symbol)
      if (bytes) {
        for (const byteId of bytes) ids.push(byteId)
        continue
      }
      if (unknownWaits && !fuseUnk && unkId !== undefined) ids.push(unkId)
      unknownWaits = true
    }
    if (unknownWaits && unkId !== undefined) ids.push(unkId)
    return ids
  }
}

const maxCachedLength = 256
const maxCachedWords = 10_000

/**
 * Byte pair encoding by ranked merges. Characters that have neither a token nor byte tokens become
 * the unknown token, or nothing where there is none.
 *
 * @throws EngineError `invalid-file` for merges of tokens that the vocabulary lacks.
 */
export const createBpe = (options: BpeOptions): TokenModel => {
  const { vocab, ignoreMerges } = options
  const table = readMerges(options)
  const spell = createSpeller(options)
  const cache = new Map<string, readonly number[]>()
  const encode = (word: string): readonly number[] => {
    const whole = ignoreMerges ? vocab.get(word) : undefined
    return whole === undefined ? mergeAll(spell(word), table) : [whole]
  }
  return {
    vocab,
    encode: (word) => {
      if (word.length > maxCachedLength) return encode(word)
      const known = cache.get(word)
      if (known) return known
      const ids = encode(word)
      if (cache.size >= maxCachedWords) cache.clear()
      cache.set(word, ids)
      return ids
    },
  }
}
