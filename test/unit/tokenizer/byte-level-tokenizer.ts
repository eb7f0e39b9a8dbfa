import { loadTokenizer, type Tokenizer } from '../../../src/tokenizer/tokenizer.ts'

/**
 * A byte-level tokenizer without merges: `tokens`, in the letters of the byte alphabet, then `special`
 * ones, the ids in this order.
 */
export const byteLevelTokenizer = (
  tokens: readonly string[],
  special: readonly string[],
  endToken: string,
): Tokenizer =>
  loadTokenizer({
    tokenizerJson: {
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: [],
      },
      added_tokens: special.map((content, index) => ({
        id: tokens.length + index,
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
    tokenizerConfig: { eos_token: endToken },
  })
