import { fromByteAlphabet } from '../tokenizer/byte-alphabet.ts'
import { byteOfToken } from '../tokenizer/byte-fallback.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { Vocabulary } from './grammar-api.ts'

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

export type VocabularyOptions = {
  readonly tokenizer: Tokenizer
  /** Ids that the model has logits for. */
  readonly vocabSize: number
  /** Ids that end an answer: possible wherever the constraint is met, and nowhere else. */
  readonly stopTokenIds: readonly number[]
  /** Special tokens that an answer may hold, such as the markers of tool calls. */
  readonly markers?: readonly string[]
}

/** Tokens that are read between two looks at the messages that wait. */
const sliceLength = 4096

const nextTask = () => new Promise<void>((resolve) => setTimeout(resolve))

/** The texts of all tokens as bytes. Special tokens are no text, so they have none: no constraint means them. */
export const readVocabulary = async (options: VocabularyOptions): Promise<Vocabulary> => {
  const { tokenizer, vocabSize, stopTokenIds, markers = [] } = options
  const bytesOf = createTokenBytes(tokenizer)
  const kept = new Set(markers)
  const silent = new Set(
    [...tokenizer.addedTokens].flatMap(([text, { id, special }]) =>
      special && !kept.has(text) ? [id] : [],
    ),
  )
  const texts: Uint8Array[] = []
  const ends = new Uint32Array(vocabSize)
  let end = 0
  for (let id = 0; id < vocabSize; id += 1) {
    const text = silent.has(id) ? nothing : bytesOf(id)
    texts.push(text)
    end += text.length
    ends[id] = end
    if (id % sliceLength === 0) await nextTask()
  }
  const bytes = new Uint8Array(end)
  for (const [id, text] of texts.entries()) bytes.set(text, (ends[id] ?? 0) - text.length)
  return { bytes, ends, stopTokenIds: stopTokenIds.filter((id) => id < vocabSize) }
}
