import { toByteAlphabet } from '../../../src/tokenizer/byte-alphabet.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'

const messageMarkers =
  '<|start|> <|channel|> <|constrain|> <|message|> <|end|> <|call|> <|return|>'.split(' ')
const markers = [...messageMarkers, '<think>', '</think>', '<tool_call>']
const letters = toByteAlphabet(
  Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join(''),
)

/** The ASCII characters and the markers of some formats, a token each. */
export const markerTokenizer = loadTokenizer({
  tokenizerJson: {
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(letters.split('').map((letter, id) => [letter, id])),
      merges: [],
    },
    added_tokens: markers.map((content, index) => ({
      id: letters.length + index,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    decoder: { type: 'ByteLevel' },
  },
  tokenizerConfig: { eos_token: '<|return|>' },
})
export const markerVocabSize = letters.length + markers.length
export const markerId = (marker: string): number => markerTokenizer.tokenToId(marker) ?? -1
