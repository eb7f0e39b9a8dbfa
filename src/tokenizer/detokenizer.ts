import type { Tokenizer } from './tokenizer.ts'

/** Token ids in, text out, as they are generated. */
export type Detokenizer = {
  /** The text that these ids complete; empty while a character is unfinished. */
  push(tokenIds: readonly number[]): string
  /** What is still held back: unfinished bytes as U+FFFD. Ends the text. */
  flush(): string
}

/**
 * Ids kept as context. Decoders look back: the first token may lose its leading space, and an
 * unfinished character spans up to four byte tokens; more than that many ids pin both down.
 */
const contextLength = 8
const longestWindow = 24

const replacementCharacter = '\ufffd'

/** The part of a decoded text that later ids can't change: an unfinished character is one U+FFFD. */
const settledLength = (text: string) =>
  text.endsWith(replacementCharacter) ? text.length - 1 : text.length

/**
 * An incremental decoder: the texts of all pushes and the flush, joined, equal
 * `tokenizer.decode(allIds)` wherever the ids are split. The work per id does not grow with the
 * length of the text: a window of ids slides along.
 */
export const createDetokenizer = (
  tokenizer: Pick<Tokenizer, 'decode' | 'addedTokens'>,
  { skipSpecialTokens }: { readonly skipSpecialTokens: boolean },
): Detokenizer => {
  // Skipped here and not by decode: a window of skipped ids alone would be no context.
  const skipped = new Set(
    skipSpecialTokens
      ? [...tokenizer.addedTokens.values()].filter((token) => token.special).map(({ id }) => id)
      : [],
  )
  let window: number[] = []
  let emittedLength = 0

  const slide = () => {
    if (window.length <= longestWindow) return
    window = window.slice(-contextLength)
    emittedLength = settledLength(tokenizer.decode(window))
  }
  const pushOne = (tokenId: number): string => {
    if (skipped.has(tokenId)) return ''
    window.push(tokenId)
    const text = tokenizer.decode(window)
    const settled = settledLength(text)
    const added = text.slice(emittedLength, settled)
    emittedLength = Math.max(emittedLength, settled)
    slide()
    return added
  }
  return {
    push: (tokenIds) => tokenIds.map(pushOne).join(''),
    flush: () => {
      const rest = tokenizer.decode(window).slice(emittedLength)
      window = []
      emittedLength = 0
      return rest
    },
  }
}
