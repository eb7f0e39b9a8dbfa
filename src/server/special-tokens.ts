import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** Texts that the tokenizer takes for control tokens: in users' words they are kept literal. */
export const specialTokens = ({ addedTokens }: Tokenizer): string[] =>
  [...addedTokens].filter(([, { special }]) => special).map(([text]) => text)
