import type { ChoiceOutput } from './generation-stream.ts'

export type Usage = {
  readonly prompt_tokens: number
  readonly total_tokens: number
  readonly completion_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
  /** Absent where the reasoning can't be counted. */
  readonly completion_tokens_details?: { readonly reasoning_tokens: number }
}

/** Counts the tokens of one reply. */
export type UsageTally = {
  add(output: ChoiceOutput): void
  /** Of the whole reply: each prompt counts once, whatever `n` is. */
  total(): Usage
  /** Of one choice so far. */
  ofChoice(index: number): ChoiceUsage
  /** Of one choice before its first token. */
  ofPrompt(index: number): ChoiceUsage
}

type ChoiceUsage = Omit<Usage, 'prompt_tokens_details'>

const sum = (counts: Iterable<number>): number => [...counts].reduce((a, b) => a + b, 0)

/** A usage with its nulls, as in every body but the usage chunk of a stream. */
export const withNulls = (usage: Partial<Usage>): object => ({
  ...usage,
  completion_tokens_details: usage.completion_tokens_details ?? null,
})

/** @param numPromptTokens the length of each prompt; choice `promptIndex * n + i` answers it. */
export const createUsageTally = (numPromptTokens: readonly number[], n: number): UsageTally => {
  const numCompletionTokens = new Map<number, number>()
  const numCachedTokens = new Map<number, number>()
  const numReasoningTokens = new Map<number, number>()
  const numTokensOf = (index: number) => numCompletionTokens.get(index) ?? 0
  /** All choices of a reply have a count or none has. */
  const details = (count: number): Pick<Usage, 'completion_tokens_details'> =>
    numReasoningTokens.size === 0 ? {} : { completion_tokens_details: { reasoning_tokens: count } }
  const ofTokens = (index: number, completion: number, numReasoning: number): ChoiceUsage => {
    const prompt = numPromptTokens[Math.floor(index / n)] ?? 0
    return {
      prompt_tokens: prompt,
      total_tokens: prompt + completion,
      completion_tokens: completion,
      ...details(numReasoning),
    }
  }
  return {
    add({ index, newTokenIds, numCachedTokens: numCached, numReasoningTokens: numReasoning }) {
      numCompletionTokens.set(index, numTokensOf(index) + newTokenIds.length)
      if (numReasoning !== null) numReasoningTokens.set(index, numReasoning)
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
        ...details(sum(numReasoningTokens.values())),
      }
    },
    ofChoice: (index) => ofTokens(index, numTokensOf(index), numReasoningTokens.get(index) ?? 0),
    ofPrompt: (index) => ofTokens(index, 0, 0),
  }
}
