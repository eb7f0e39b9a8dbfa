import type { FinishReason } from './generation.ts'
import type { Sequence } from './sequence.ts'

export type Stop = {
  readonly finishReason: Exclude<FinishReason, 'abort'>
  /** The id that ended the sequence, unless it is the first of those that end a text; null for any other end. */
  readonly stopTokenId: number | null
}

/**
 * Whether the last known token ends its sequence, in vLLM's order: end-of-sequence ids, stop ids,
 * length. Ids are not looked at while there are fewer than `minTokens` outputs.
 *
 * @param eosTokenIds The tokenizer's own first: it is what an answer is expected to end with.
 */
export const checkStop = (sequence: Sequence, eosTokenIds: ReadonlySet<number>): Stop | null => {
  const { ignoreEos, minTokens, stopTokenIds } = sequence.samplingParams
  const lastTokenId = sequence.tokenIds.at(-1)
  if (lastTokenId !== undefined && sequence.numOutputTokens >= Math.max(minTokens, 1)) {
    if (!ignoreEos && eosTokenIds.has(lastTokenId)) {
      const [first] = eosTokenIds
      return { finishReason: 'stop', stopTokenId: lastTokenId === first ? null : lastTokenId }
    }
    if (stopTokenIds.includes(lastTokenId)) {
      return { finishReason: 'stop', stopTokenId: lastTokenId }
    }
  }
  if (sequence.tokenIds.length >= sequence.maxNumTokens) {
    return { finishReason: 'length', stopTokenId: null }
  }
  return null
}
