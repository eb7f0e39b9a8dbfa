import { EngineError } from '../errors.ts'
import {
  type AddedToken,
  createAddedTokenSplitter,
  readAddedTokens,
  type Section,
} from './added-tokens.ts'
import { createTokenModel } from './create-token-model.ts'
import { createDecoder } from './decoder.ts'
import { isObject, type JsonObject, refuseFile } from './json-fields.ts'
import { removeMarks } from './literal-marks.ts'
import { createNormalizer, type Normalizer } from './normalizer.ts'
import { createPostProcessor } from './post-processor.ts'
import { createPreTokenizer } from './pre-tokenizer.ts'
import { readSpecialToken } from './special-token.ts'
import type { TokenModel } from './token-model.ts'

export type EncodeOptions = {
  /**
   * Default true, as in transformers: puts what the model's post-processor wants around the text.
   * Rendered chat templates bring it along and are encoded with false.
   */
  readonly addSpecialTokens?: boolean
  /**
   * The text was rendered with `literalTokens` and carries their marks: what a mark stands in is
   * ordinary text, whatever it spells.
   */
  readonly marked?: boolean
}

/** Text to token ids and back, for one model. */
export type Tokenizer = {
  /** Number of ids, added tokens included. */
  readonly vocabSize: number
  /** Every added token (special or not) by its text. */
  readonly addedTokens: ReadonlyMap<string, { readonly id: number; readonly special: boolean }>
  readonly bosToken: string | null
  readonly eosToken: string | null
  /**
   * Token ids of a text, as Rust `tokenizers` gives them; added tokens written out in it become
   * their one id. Lone surrogates, which UTF-8 can't write, count as U+FFFD.
   */
  encode(text: string, options?: EncodeOptions): number[]
  /**
   * Text of token ids. Incomplete UTF-8 reads as U+FFFD, ids outside the vocabulary as nothing.
   * Spaces are never "cleaned up" (`clean_up_tokenization_spaces`): vLLM's detokenizer does not do
   * it either, and it would change code and JSON.
   */
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string
  tokenToId(token: string): number | null
  idToToken(tokenId: number): string | null
}

type Parts = {
  readonly model: TokenModel
  readonly tokens: readonly AddedToken[]
  readonly tokenizerJson: JsonObject
  readonly normalize: Normalizer
}

/** What Rust calls the pipeline: added tokens, normalizer, again added tokens, words, model. */
const createEncoder = ({ model, tokens, tokenizerJson, normalize }: Parts) => {
  const preTokenize = createPreTokenizer(tokenizerJson['pre_tokenizer'], 'pre_tokenizer')
  const { splitGiven, splitNormalized } = createAddedTokenSplitter(tokens, normalize)

  return (given: string, marked: boolean): number[] => {
    const ids: number[] = []
    const addWords = (section: Section, isFirst: boolean) => {
      if (section.token) {
        ids.push(section.token.id)
        return
      }
      const text = marked ? removeMarks(section.text) : section.text
      for (const word of preTokenize({ text, isFirst })) {
        for (const id of model.encode(word.text)) ids.push(id)
      }
    }
    for (const section of splitGiven(given.toWellFormed())) {
      if (section.token) {
        ids.push(section.token.id)
        continue
      }
      for (const inner of splitNormalized(normalize(section.text))) {
        const isFirst = inner.token === null && inner.start === 0 && section.start === 0
        addWords(inner, isFirst)
      }
    }
    return ids
  }
}

/** Tokens by id. Added tokens come last: one may stand for an id that the model has too. */
const listTokens = ({ model, tokens }: Parts, textOf: (token: AddedToken) => string) => {
  const byId = new Map<number, string>()
  for (const [token, id] of model.vocab) byId.set(id, token)
  for (const token of tokens) byId.set(token.id, textOf(token))
  return byId
}

const createTokenDecoder = (parts: Parts) => {
  const { tokens, tokenizerJson, normalize } = parts
  const decodeTokens = createDecoder(tokenizerJson['decoder'], 'decoder')
  // Decoders undo the normalizer, so tokens found in normalized text go in as they stand there.
  const textOfId = listTokens(parts, ({ content, normalized }) =>
    normalized ? normalize(content) : content,
  )
  const specialIds = new Set(tokens.filter((token) => token.special).map((token) => token.id))
  return (tokenIds: readonly number[], skipSpecialTokens: boolean): string => {
    const kept = tokenIds.flatMap((id) => {
      const token = skipSpecialTokens && specialIds.has(id) ? undefined : textOfId.get(id)
      return token === undefined ? [] : [token]
    })
    return kept.length === 0 ? '' : decodeTokens(kept).join('')
  }
}

const build = (tokenizerJson: JsonObject, config: JsonObject): Tokenizer => {
  const model = createTokenModel(tokenizerJson['model'])
  const tokens = readAddedTokens(tokenizerJson, config)
  const normalize = createNormalizer(tokenizerJson['normalizer'], 'normalizer')
  const parts = { model, tokens, tokenizerJson, normalize }
  const encode = createEncoder(parts)
  const decode = createTokenDecoder(parts)
  const postProcess = createPostProcessor(tokenizerJson['post_processor'], 'post_processor')
  const tokenOfId = listTokens(parts, (token) => token.content)
  const addedTokens = new Map(tokens.map(({ content, id, special }) => [content, { id, special }]))
  let vocabSize = 0
  for (const id of tokenOfId.keys()) vocabSize = Math.max(vocabSize, id + 1)
  return {
    vocabSize,
    addedTokens,
    bosToken: readSpecialToken(config, 'bos_token'),
    eosToken: readSpecialToken(config, 'eos_token'),
    encode: (text, { addSpecialTokens = true, marked = false } = {}) => {
      const ids = encode(text, marked)
      return addSpecialTokens ? [...postProcess(ids)] : ids
    },
    decode: (tokenIds, { skipSpecialTokens = false } = {}) => decode(tokenIds, skipSpecialTokens),
    tokenToId: (token) => addedTokens.get(token)?.id ?? model.vocab.get(token) ?? null,
    idToToken: (tokenId) => tokenOfId.get(tokenId) ?? null,
  }
}

/**
 * Builds the tokenizer from the parsed contents of a model's tokenizer.json and
 * tokenizer_config.json (`{}` or null where a model has none).
 *
 * @throws EngineError `invalid-file` for contents that are no tokenizer, `unsupported-model` for
 * parts that Quire has no code for.
 */
export const loadTokenizer = (files: {
  readonly tokenizerJson: unknown
  readonly tokenizerConfig: unknown
}): Tokenizer => {
  const { tokenizerJson } = files
  const config = files.tokenizerConfig ?? {}
  if (!isObject(tokenizerJson) || !isObject(tokenizerJson['model'])) {
    throw refuseFile('model', 'is missing')
  }
  if (!isObject(config)) {
    throw new EngineError('invalid-file', 'tokenizer_config.json is not an object.')
  }
  return build(tokenizerJson, config)
}
