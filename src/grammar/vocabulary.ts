import { fromByteAlphabet } from '../tokenizer/byte-alphabet.ts'
import { byteOfToken } from '../tokenizer/byte-fallback.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

const encoder = new TextEncoder()
const nothing = new Uint8Array()

/** The letter that stands for a space in vocabularies of bytes; in others it stands for itself. */
const spaceLetter = '\u0120'

const isByteLevel = (tokenizer: Tokenizer): boolean => {
  const id = tokenizer.tokenToId(spaceLetter)
  return id !== null && tokenizer.decode([id]) === ' '
}

/**
 * Tells the bytes that each token adds to a text that goes on, as the tokenizer decodes it: a token
 * may be part of a character. Ids without a token have none.
 */
export const createTokenBytes = (tokenizer: Tokenizer): ((tokenId: number) => Uint8Array) => {
  // Decoders treat the first token of a text apart, so each is decoded behind another one.
  const before = tokenizer.encode('a', { addSpecialTokens: false }).slice(-1)
  const { length } = tokenizer.decode(before)
  const inBytes = isByteLevel(tokenizer)
  return (id) => {
    const token = tokenizer.idToToken(id)
    if (token === null) return nothing
    if (!tokenizer.addedTokens.has(token)) {
      if (inBytes) return fromByteAlphabet(token)
      const byte = byteOfToken(token)
      if (byte !== null) return Uint8Array.of(byte)
    }
    return encoder.encode(tokenizer.decode([...before, id]).slice(length))
  }
}
