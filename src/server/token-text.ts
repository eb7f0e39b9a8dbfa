import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** A character has four bytes at most, so no more tokens than these can share one. */
const contextLength = 4
const replacementCharacter = '\ufffd'

/** Reads single tokens of one text, in order. */
export type TokenTexts = {
  /**
   * The text of a token that may follow those advanced over so far. A token that leaves a character
   * unfinished is empty, and the one that finishes it is the whole character, as in vLLM.
   */
  textOf(tokenId: number): string
  advance(tokenId: number): void
}

export const createTokenTexts = (tokenizer: Pick<Tokenizer, 'decode'>): TokenTexts => {
  let context: readonly number[] = []

  const textInContext = (tokenId: number): string => {
    for (let length = 1; length <= context.length; length += 1) {
      const before = context.slice(-length)
      const text = tokenizer.decode([...before, tokenId])
      if (text.endsWith(replacementCharacter)) continue
      const settled = tokenizer.decode(before).replace(/\ufffd$/, '')
      if (text.startsWith(settled)) return text.slice(settled.length)
    }
    return ''
  }
  return {
    textOf(tokenId) {
      const alone = tokenizer.decode([tokenId])
      return alone.includes(replacementCharacter) ? textInContext(tokenId) : alone
    },
    advance(tokenId) {
      context = [...context, tokenId].slice(-contextLength)
    },
  }
}
