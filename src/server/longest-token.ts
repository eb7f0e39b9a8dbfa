import type { Tokenizer } from '../tokenizer/tokenizer.ts'

const known = new WeakMap<Tokenizer, number>()

/** Characters of the longest token: a text of more than n times as many has more than n tokens. */
export const longestToken = (tokenizer: Tokenizer): number => {
  const cached = known.get(tokenizer)
  if (cached !== undefined) return cached
  let longest = 1
  for (let id = 0; id < tokenizer.vocabSize; id += 1) {
    longest = Math.max(longest, tokenizer.idToToken(id)?.length ?? 0)
  }
  known.set(tokenizer, longest)
  return longest
}
