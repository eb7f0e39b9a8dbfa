import { toByteAlphabet } from '../../../src/tokenizer/byte-alphabet.ts'
import { byteLevelTokenizer } from '../tokenizer/byte-level-tokenizer.ts'

const messageMarkers =
  '<|start|> <|channel|> <|constrain|> <|message|> <|end|> <|call|> <|return|>'.split(' ')
const markers = [...messageMarkers, '<think>', '</think>', '<tool_call>']
const letters = toByteAlphabet(
  Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join(''),
)

/** The ASCII characters and the markers of some formats, a token each. */
export const markerTokenizer = byteLevelTokenizer(letters.split(''), markers, '<|return|>')

export const markerVocabSize = letters.length + markers.length
export const markerId = (marker: string): number => markerTokenizer.tokenToId(marker) ?? -1
