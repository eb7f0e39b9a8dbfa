import type { ChoiceOutput } from './generation-stream.ts'

export type Usage = {
  readonly prompt_tokens: number
  readonly total_tokens: number
  readonly completion_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
}

/** Counts the tokens of one reply. */
export type UsageTally = {
  add(output: ChoiceOutput): void
  /** Of the whole reply: each prompt counts once, whatever `n` is. */
  total(): Usage
  /** Of one choice so far, with the nulls of a chunk in the middle of a stream. */
  ofChoice(index: number): object
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((a, b) => a + b, 0)

/** @param numPromptTokens the length of each prompt; choice `promptIndex * n + i` answers it. */
export const createUsageTally = (numPromptTokens: readonly number[], n: number): UsageTally => {
  const numCompletionTokens = new Map<number, number>()
  const numCachedTokens = new Map<number, number>()
  const numTokensOf = (index: number) => numCompletionTokens.get(index) ?? 0
  return {
    add({ index, numNewTokens, numCachedTokens: numCached }) {
      numCompletionTokens.set(index, numTokensOf(index) + numNewTokens)
      // The first choice alone tells: the others find what it has just computed.
      if (index % n === 0) numCachedTokens.set(index, numCached)
    },
    total() {
      const prompt = sum(numPromptTokens)
      const completion = sum(numCompletionTokens.values())
      return {
        prompt_tokens: prompt,
        total_tokens: prompt + completion,
        completion_tokens: completion,
        prompt_tokens_details: { cached_tokens: sum(numCachedTokens.values()) },
      }
    },
    ofChoice(index) {
      const prompt = numPromptTokens[Math.floor(index / n)] ?? 0
      const completion = numTokensOf(index)
      return {
        prompt_tokens: prompt,
        total_tokens: prompt + completion,
        completion_tokens: completion,
      }
    },
  }
}
