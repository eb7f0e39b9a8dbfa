import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalidParameter } from './errors.ts'
import { longestToken } from './longest-token.ts'
import { checkContextLength, checkRequested, type RequestedTokens } from './sampling-request.ts'
import type { AnyServedModel, ServedModel } from './served-model.ts'
import type { CommonRequest } from './validation.ts'

/** A prompt as text or as token ids. */
export type Prompt = string | readonly number[]

export type EncodeOptions = {
  readonly tokenizer: Tokenizer
  readonly addSpecialTokens: boolean
  /** The text has marks of literal tokens, as chat templates leave them. */
  readonly marked?: boolean
  /** Tokens to keep at most; null for all. */
  readonly maxTokens: number | null
  /** Where tokens are dropped. */
  readonly truncationSide: 'left' | 'right'
}

/** Where the text's own tokens begin among those with special tokens. */
const startOfText = (tokenIds: readonly number[], own: readonly number[]): number => {
  const last = tokenIds.length - own.length
  for (let start = 0; start < last; start++) {
    if (own.every((id, i) => tokenIds[start + i] === id)) return start
  }
  return last
}

/**
 * Token ids of a text or ids as they are, cut to a length: special tokens around a text stay, its
 * own make way.
 */
export const encodePrompt = (prompt: Prompt, options: EncodeOptions): readonly number[] => {
  const { tokenizer, addSpecialTokens, marked = false, maxTokens, truncationSide } = options
  const cut = (ids: readonly number[], count: number) =>
    truncationSide === 'left' ? ids.slice(Math.max(0, ids.length - count)) : ids.slice(0, count)
  if (typeof prompt !== 'string') return maxTokens === null ? prompt : cut(prompt, maxTokens)
  const tokenIds = tokenizer.encode(prompt, { addSpecialTokens, marked })
  if (maxTokens === null || tokenIds.length <= maxTokens) return tokenIds
  const own = tokenizer.encode(prompt, { addSpecialTokens: false, marked })
  const start = startOfText(tokenIds, own)
  const numSpecial = tokenIds.length - own.length
  if (numSpecial >= maxTokens) return cut(tokenIds, maxTokens)
  return [
    ...tokenIds.slice(0, start),
    ...cut(own, maxTokens - numSpecial),
    ...tokenIds.slice(start + own.length),
  ]
}

const mostPromptTokens = (
  length: number | null | undefined,
  requested: RequestedTokens | null,
  maxModelLen: number,
): number | null => {
  if (length == null) return null
  const room = maxModelLen - (requested?.count ?? 0)
  if (length > room) {
    throw invalidParameter(
      `truncate_prompt_tokens=${length} cannot be greater than max_model_len - ` +
        `${requested?.field ?? 'max_tokens'} = ${room}. Please request a smaller truncation size.`,
      'truncate_prompt_tokens',
      length,
    )
  }
  return length === -1 ? room : length
}

type TextBounds = Pick<PromptsToEncode, 'requested'> & {
  readonly body: Pick<CommonRequest, 'truncate_prompt_tokens' | 'truncation_side'>
  readonly model: AnyServedModel
}

/**
 * A text that can't fit whatever its tokens are need not be tokenised: it is refused, or cut.
 *
 * @throws EngineError in vLLM's words.
 */
export const boundText = (text: string, { body, model, requested }: TextBounds): string => {
  const { maxModelLen } = model.engine
  const numRequested = requested?.count ?? 0
  const mostCharacters = (maxModelLen - numRequested) * longestToken(model.tokenizer)
  if (text.length <= mostCharacters) return text
  if (body.truncate_prompt_tokens != null) {
    return body.truncation_side === 'right'
      ? text.slice(0, mostCharacters)
      : text.slice(text.length - mostCharacters)
  }
  throw invalidParameter(
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ` +
      `${numRequested} output tokens and your prompt contains ${text.length} characters (more ` +
      `than ${mostCharacters} characters, which is the upper bound for ` +
      `${maxModelLen - numRequested} input tokens). Please reduce the length of the input prompt ` +
      'or the number of requested output tokens.',
    'input_text',
    text.length,
  )
}

export type PromptsToEncode = {
  readonly prompts: readonly Prompt[]
  readonly body: CommonRequest
  readonly model: ServedModel
  readonly requested: RequestedTokens | null
  /** Where the request does not say. */
  readonly addsSpecialTokens: boolean
  readonly marked: boolean
}

/**
 * The token ids of a request's prompts, which leave room for what the request wants to generate.
 *
 * @throws EngineError in vLLM's words for a prompt, or for lengths, that the context can't hold.
 */
export const encodePrompts = (given: PromptsToEncode): readonly (readonly number[])[] => {
  const { prompts, body, model, requested, addsSpecialTokens, marked } = given
  const { maxModelLen } = model.engine
  checkRequested(requested, maxModelLen)
  const maxTokens = mostPromptTokens(body.truncate_prompt_tokens, requested, maxModelLen)
  const encoded = prompts.map((prompt) =>
    encodePrompt(typeof prompt === 'string' ? boundText(prompt, given) : prompt, {
      tokenizer: model.tokenizer,
      addSpecialTokens: body.add_special_tokens ?? addsSpecialTokens,
      marked,
      maxTokens,
      truncationSide: body.truncation_side ?? 'left',
    }),
  )
  for (const [index, { length: numTokens }] of encoded.entries()) {
    const isText = typeof prompts[index] === 'string'
    checkContextLength({ numTokens, isText }, requested, maxModelLen)
  }
  return encoded
}
