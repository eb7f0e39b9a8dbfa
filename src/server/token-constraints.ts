import { maxAdjustedTokenIds, type SamplingParams } from '../engine/sampling-params.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import { pythonRepr } from './lax-types.ts'
import type { CommonRequest } from './validation.ts'

export type TokenConstraints = Pick<
  SamplingParams,
  'logitBias' | 'allowedTokenIds' | 'badWordsTokenIds'
>

type Vocabulary = { readonly tokenizer: Tokenizer; readonly vocabSize: number }

const outside = (tokenIds: readonly number[], vocabSize: number): readonly number[] =>
  tokenIds.filter((id) => id < 0 || id >= vocabSize)

/** @throws EngineError vLLM's 400 for ids that are not in the vocabulary. */
export const checkVocabulary = (
  field: string,
  tokenIds: readonly number[],
  vocabSize: number,
): void => {
  const invalid = outside(tokenIds, vocabSize)
  if (invalid.length === 0) return
  const list = pythonRepr(invalid)
  throw invalidParameter(
    `token_id(s) ${list} in ${field} contain out-of-vocab token ids. Vocabulary size: ${vocabSize}`,
    field,
    list,
  )
}

/** The largest bias either way, as in OpenAI's API. */
const largestBias = 100

const clampBias = (bias: number) => Math.min(largestBias, Math.max(-largestBias, bias))

const readLogitBias = (
  bias: Readonly<Record<string, number>>,
  vocabSize: number,
): SamplingParams['logitBias'] => {
  const keys = Object.keys(bias)
  const invalid = keys.filter((key) => !/^\s*[+-]?\d+(_\d+)*\s*$/.test(key))
  if (invalid.length > 0) {
    const list = pythonRepr(invalid)
    throw invalidParameter(
      `logit_bias contains key(s) that cannot be converted to integer token IDs: ${list}`,
      'logit_bias',
      list,
    )
  }
  // A map: "7" and "07" are one id.
  const byId = new Map(
    Object.entries(bias).map(([key, value]) => [Number(key.replaceAll('_', '')), clampBias(value)]),
  )
  checkVocabulary('logit_bias', [...byId.keys()], vocabSize)
  return [...byId]
}

const checkAllowed = (allowed: readonly number[], vocabSize: number) => {
  if (allowed.length === 0) {
    throw invalidParameter(
      'allowed_token_ids is not None and empty!',
      'allowed_token_ids',
      pythonRepr(allowed),
    )
  }
  const invalid = outside(allowed, vocabSize)
  if (invalid.length === 0) return
  throw invalidParameter(
    'allowed_token_ids contains out-of-vocab token id!',
    'allowed_token_ids',
    pythonRepr(invalid),
  )
}

/**
 * A word as it begins a text, and as it follows others. The second form counts where the space is
 * part of another first token; where it is a token of its own, the first form does its work.
 */
const encodeBadWord = (word: string, tokenizer: Tokenizer): readonly (readonly number[])[] => {
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
  const bare = encode(word.trimStart())
  if (bare.length === 0) {
    throw invalidParameter(
      'bad_words entries must tokenize to at least one token.',
      'bad_words',
      pythonRepr([word]),
    )
  }
  const spaced = encode(` ${word.trimStart()}`)
  const isAnother = spaced.length === bare.length && spaced[0] !== bare[0]
  return isAnother ? [bare, spaced] : [bare]
}

const readBadWords = (words: readonly string[], { tokenizer, vocabSize }: Vocabulary) => {
  if (words.includes('')) {
    throw invalidRequest(
      `bad_words cannot contain an empty string. Got bad_words=${pythonRepr(words)}`,
      'bad_words',
    )
  }
  const encoded = [...new Set(words)].flatMap((word) => encodeBadWord(word, tokenizer))
  const invalid = outside(encoded.flat(), vocabSize)
  if (invalid.length > 0) {
    throw invalidParameter(
      `The model vocabulary size is ${vocabSize}, but the following tokens were specified as bad: ` +
        `${pythonRepr(invalid)}. All token id values should be integers satisfying: ` +
        `0 <= token_id <= ${vocabSize - 1}.`,
      'bad_words',
      pythonRepr(words),
    )
  }
  return encoded
}

const checkCount = ({ logitBias, badWordsTokenIds }: TokenConstraints) => {
  if (badWordsTokenIds.length > maxAdjustedTokenIds) {
    throw invalidParameter(
      `Too many bad words after tokenization: ${badWordsTokenIds.length}. ` +
        `The max number is ${maxAdjustedTokenIds}.`,
      'bad_words',
    )
  }
  const count = logitBias.length + badWordsTokenIds.length
  if (count <= maxAdjustedTokenIds) return
  throw invalidParameter(
    `logit_bias and bad_words can hold at most ${maxAdjustedTokenIds} entries together, got ${count}.`,
    'logit_bias',
  )
}

/**
 * Which tokens a request prefers, allows and bans.
 *
 * @throws EngineError a 400 in vLLM's words.
 */
export const toTokenConstraints = (
  request: CommonRequest,
  vocabulary: Vocabulary,
): TokenConstraints => {
  const { vocabSize } = vocabulary
  checkVocabulary('stop_token_ids', request.stop_token_ids ?? [], vocabSize)
  const allowedTokenIds = request.allowed_token_ids ?? null
  if (allowedTokenIds) checkAllowed(allowedTokenIds, vocabSize)
  const constraints = {
    logitBias: readLogitBias(request.logit_bias ?? {}, vocabSize),
    allowedTokenIds,
    badWordsTokenIds: readBadWords(request.bad_words ?? [], vocabulary),
  }
  checkCount(constraints)
  return constraints
}
