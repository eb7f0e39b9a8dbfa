import * as v from 'valibot'
import { checkGenerationPrompt } from './body-checks.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import {
  boolean,
  integer,
  integerWithin,
  list,
  object,
  oneOf,
  parseBody,
  record,
  string,
} from './lax-types.ts'
import { message } from './message-schema.ts'
import { prompts } from './prompt-schema.ts'
import { boundText, encodePrompt, type Prompt } from './prompt-tokens.ts'
import { checkContextLength } from './sampling-request.ts'
import type { ServedPoolingModel } from './served-model.ts'
import { refuseChatTemplate } from './refused-fields.ts'
import { embedDtypes, endiannesses } from './vector-bytes.ts'

const commonEntries = {
  model: v.nullish(string),
  encoding_format: v.optional(oneOf(['float', 'base64', 'bytes', 'bytes_only'])),
  dimensions: v.nullish(integer),
  use_activation: v.nullish(boolean),
  embed_dtype: v.optional(oneOf(embedDtypes)),
  endianness: v.optional(oneOf(endiannesses)),
  truncate_prompt_tokens: v.nullish(integerWithin({ least: -1 })),
  truncation_side: v.nullish(oneOf(['left', 'right'])),
  add_special_tokens: v.optional(boolean),
  priority: v.optional(integer),
}

const chatEntries = {
  add_generation_prompt: v.optional(boolean),
  continue_final_message: v.optional(boolean),
  chat_template_kwargs: v.nullish(record),
}

const textSchema = object({ ...commonEntries, input: prompts })
const chatSchema = object({ ...commonEntries, messages: list(message), ...chatEntries })

type TextRequest = Omit<v.InferOutput<typeof textSchema>, 'input'>
type ChatRequest = Partial<Omit<v.InferOutput<typeof chatSchema>, keyof TextRequest>>

/** `inputs` are the texts of `input`, or null where the request has `messages`. */
export type EmbeddingRequest = TextRequest &
  ChatRequest & { readonly inputs: readonly Prompt[] | null }

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseEmbeddingRequest = (given: unknown): EmbeddingRequest => {
  const raw: Readonly<Record<string, unknown>> = { ...Object(given) }
  if ('normalize' in raw) {
    throw invalidParameter(
      'Parameter `normalize` was removed; use `use_activation` instead.',
      'normalize',
    )
  }
  if ('messages' in raw) {
    checkGenerationPrompt(raw)
    const body = parseBody(chatSchema, given)
    refuseChatTemplate(raw)
    refuseChatTemplate(body.chat_template_kwargs ?? {})
    return { ...body, inputs: null }
  }
  const { input, ...body } = parseBody(textSchema, given)
  if (input.length === 0) throw invalidRequest('You must pass at least one prompt', 'input')
  return { ...body, inputs: input }
}

/**
 * vLLM's rule for a request's `dimensions`.
 *
 * @throws EngineError in its words where the model's vectors can't be cut to that length.
 */
export const checkDimensions = (
  { id, engine, vectors }: ServedPoolingModel,
  dimensions: number | null,
): void => {
  if (dimensions === null) return
  const allowed = vectors.dimensions
  const refuse = (what: string) => invalidRequest(`Model '${id}' ${what}`, 'dimensions')
  if (allowed === 'none') {
    throw refuse(
      'does not support Matryoshka embeddings; dimensions must be unset ' +
        `(received dimensions=${dimensions}).`,
    )
  }
  if (dimensions < 1 || dimensions > engine.width) {
    throw refuse(`only supports dimensions in range [1, ${engine.width}], got ${dimensions}.`)
  }
  if (allowed === 'any' || allowed.includes(dimensions)) return
  throw refuse(`only supports Matryoshka dimensions [${allowed.join(', ')}], got ${dimensions}.`)
}

/** An embedding generates no tokens. */
const nothingRequested = { field: 'max_tokens', count: 0 }

/** Tokens that a text is cut to; null leaves it as it is. */
const truncationLength = (body: EmbeddingRequest, maxModelLen: number): number | null => {
  const length = body.truncate_prompt_tokens ?? null
  if (length === null) return null
  if (length === -1) return maxModelLen
  if (length <= maxModelLen) return length
  throw invalidRequest(
    'truncate_prompt_tokens value is greater than max_model_len. Please request a smaller ' +
      'truncation size.',
    'truncate_prompt_tokens',
  )
}

/**
 * Token ids of the request's texts, cut as it says.
 *
 * @throws EngineError in vLLM's words for a text that the context can't hold.
 */
export const encodeInputs = (
  inputs: readonly Prompt[],
  body: EmbeddingRequest,
  model: ServedPoolingModel,
): readonly (readonly number[])[] => {
  const { maxModelLen } = model.engine
  const isChat = body.inputs === null
  const side = body.truncation_side ?? 'right'
  const bounds = { body: { ...body, truncation_side: side }, model, requested: nothingRequested }
  const options = {
    tokenizer: model.tokenizer,
    // A template writes its special tokens itself.
    addSpecialTokens: body.add_special_tokens ?? !isChat,
    marked: isChat,
    maxTokens: truncationLength(body, maxModelLen),
    truncationSide: side,
  }
  const spell = (text: string) => (model.lowersCase ? text.toLowerCase() : text)
  return inputs.map((input) => {
    const isText = typeof input === 'string'
    const tokenIds = encodePrompt(isText ? boundText(spell(input), bounds) : input, options)
    checkContextLength({ numTokens: tokenIds.length, isText }, nothingRequested, maxModelLen)
    return tokenIds
  })
}
