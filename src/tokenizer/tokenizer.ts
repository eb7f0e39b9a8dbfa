import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { EngineError } from '../errors.ts'
import { readSpecialToken } from './special-token.ts'

/** Text to token ids and back, for one model. */
export type Tokenizer = {
  /** Number of ids, added tokens included. */
  readonly vocabSize: number
  /** Every added token (special or not) by its text. */
  readonly addedTokens: ReadonlyMap<string, { readonly id: number; readonly special: boolean }>
  readonly bosToken: string | null
  readonly eosToken: string | null
  /**
   * Token ids of a text; added tokens written out in it become their one id. `addSpecialTokens`
   * (default true, as in transformers) puts what the model's post-processor wants around the text;
   * rendered chat templates bring it along and are encoded with false.
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[]
  /**
   * Text of token ids. Incomplete UTF-8 reads as U+FFFD, ids outside the vocabulary as nothing.
   * Spaces are never "cleaned up" (`clean_up_tokenization_spaces`): vLLM's detokenizer does not do
   * it either, and it would change code and JSON.
   */
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string
  tokenToId(token: string): number | null
  idToToken(tokenId: number): string | null
}

type JsonObject = Readonly<Record<string, unknown>>

type AddedTokenEntry = JsonObject & {
  readonly id: number
  readonly content: string
  readonly special?: boolean
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isAddedToken = (value: unknown): value is AddedTokenEntry =>
  isObject(value) && typeof value['content'] === 'string' && Number.isInteger(value['id'])

const refuse = (message: string, cause?: unknown): EngineError =>
  new EngineError(
    'invalid-file',
    `${message} Fetch the model's files again, or choose a model with a Hugging Face tokenizer.json.`,
    cause === undefined ? {} : { cause },
  )

/** The tokens that tokenizer_config.json declares and tokenizer.json lacks, as older exports do. */
const tokensOfConfig = (config: JsonObject, known: ReadonlySet<string>): AddedTokenEntry[] => {
  const declared = config['added_tokens_decoder']
  if (!isObject(declared)) return []
  return Object.entries(declared)
    .map(([id, token]) => (isObject(token) ? { ...token, id: Number(id) } : null))
    .filter(isAddedToken)
    .filter((token) => !known.has(token.content))
}

const readAddedTokens = (tokenizerJson: JsonObject, config: JsonObject): AddedTokenEntry[] => {
  const listed = tokenizerJson['added_tokens'] ?? []
  if (!Array.isArray(listed) || !listed.every(isAddedToken)) {
    throw refuse('tokenizer.json: "added_tokens" is not a list of { id, content }.')
  }
  const known = new Set(listed.map((token) => token.content))
  return [...listed, ...tokensOfConfig(config, known)]
}

const build = (tokenizerJson: JsonObject, config: JsonObject, tokens: AddedTokenEntry[]) => {
  const parts = { post_processor: null, pre_tokenizer: null, normalizer: null, decoder: null }
  try {
    const inner = new HuggingFaceTokenizer(
      { ...parts, ...tokenizerJson, added_tokens: tokens },
      config,
    )
    if (inner.model === null) throw new Error('"model" is missing.')
    return { inner, vocab: inner.model.vocab }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw refuse(`tokenizer.json can't be used: ${reason}`, error)
  }
}

/**
 * Builds the tokenizer from the parsed contents of a model's tokenizer.json and
 * tokenizer_config.json (`{}` or null where a model has none).
 *
 * @throws EngineError `invalid-file` for contents that are no tokenizer.
 */
export const loadTokenizer = (files: {
  readonly tokenizerJson: unknown
  readonly tokenizerConfig: unknown
}): Tokenizer => {
  const { tokenizerJson } = files
  const config = files.tokenizerConfig ?? {}
  if (!isObject(tokenizerJson) || !isObject(tokenizerJson['model'])) {
    throw refuse('tokenizer.json: "model" is missing.')
  }
  if (!isObject(config)) throw refuse('tokenizer_config.json is not an object.')
  const tokens = readAddedTokens(tokenizerJson, config)
  const { inner, vocab } = build(tokenizerJson, config, tokens)
  const specialIds = new Set(tokens.filter((token) => token.special).map((token) => token.id))
  const idToToken = (tokenId: number) => vocab[tokenId] ?? null
  return {
    vocabSize: vocab.length,
    addedTokens: new Map(
      tokens.map(({ id, content, special }) => [content, { id, special: special === true }]),
    ),
    bosToken: readSpecialToken(config, 'bos_token'),
    eosToken: readSpecialToken(config, 'eos_token'),
    encode: (text, { addSpecialTokens = true } = {}) =>
      inner.encode(text, { add_special_tokens: addSpecialTokens }).ids,
    decode: (tokenIds, { skipSpecialTokens = false } = {}) => {
      const kept = tokenIds.filter(
        (id) => idToToken(id) !== null && !(skipSpecialTokens && specialIds.has(id)),
      )
      if (kept.length === 0) return ''
      return inner.decode(kept, { clean_up_tokenization_spaces: false })
    },
    tokenToId: (token) => inner.token_to_id(token) ?? null,
    idToToken,
  }
}
