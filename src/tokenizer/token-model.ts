/** Splits the words of a pre-tokenizer into the tokens of a vocabulary. */
export type TokenModel = {
  readonly vocab: ReadonlyMap<string, number>
  encode(word: string): readonly number[]
}
