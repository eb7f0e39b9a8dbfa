import type { FinishReason } from './generation.ts'
import type { Sequence } from './sequence.ts'

export type Stop = {
  readonly finishReason: Exclude<FinishReason, 'abort'>
  /** The id out of `stopTokenIds` that ended the sequence; null for any other end. */
  readonly stopTokenId: number | null
}

/**
 * Whether the last known token ends its sequence, in vLLM's order: end-of-sequence ids, stop ids,
 * length. Ids are not looked at while there are fewer than `minTokens` outputs.
 */
export const checkStop = (sequence: Sequence, eosTokenIds: ReadonlySet<number>): Stop | null => {
  const { ignoreEos, minTokens, stopTokenIds } = sequence.samplingParams
  const lastTokenId = sequence.tokenIds.at(-1)
  if (lastTokenId !== undefined && sequence.numOutputTokens >= Math.max(minTokens, 1)) {
    if (!ignoreEos && eosTokenIds.has(lastTokenId)) {
      return { finishReason: 'stop', stopTokenId: null }
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
