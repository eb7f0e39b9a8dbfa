/** Text to token ids and back, for one model. */
export type Tokenizer = {
  /** Number of ids, added tokens included. */
  readonly vocabSize: number
  /** Every added token (special or not) by its text. */
  readonly addedTokens: ReadonlyMap<string, { readonly id: number; readonly special: boolean }>
  readonly bosToken: string | null
  readonly eosToken: string | null
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[]
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string
  tokenToId(token: string): number | null
  idToToken(tokenId: number): string | null
}
