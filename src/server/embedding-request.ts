import * as v from 'valibot'
import { invalidParameter, invalidRequest, malformedBody } from './errors.ts'
import {
  boolean,
  integer,
  integerWithin,
  list,
  number,
  object,
  oneOf,
  parseBody,
  record,
  string,
} from './lax-types.ts'
import { encodePrompt, type Prompt } from './prompt-tokens.ts'
import type { ServedPoolingModel } from './served-model.ts'
import { embedDtypes, endiannesses } from './vector-bytes.ts'

const schema = object({
  model: v.nullish(string),
  input: v.nullish(v.unknown()),
  messages: v.nullish(list(record)),
  encoding_format: v.nullish(oneOf(['float', 'base64', 'bytes', 'bytes_only'])),
  dimensions: v.nullish(integer),
  use_activation: v.nullish(boolean),
  normalize: v.nullish(v.unknown()),
  embed_dtype: v.nullish(oneOf(embedDtypes)),
  endianness: v.nullish(oneOf(endiannesses)),
  truncate_prompt_tokens: v.nullish(integerWithin({ least: -1 })),
  truncation_side: v.nullish(oneOf(['left', 'right'])),
  add_special_tokens: v.nullish(boolean),
  add_generation_prompt: v.nullish(boolean),
  continue_final_message: v.nullish(boolean),
  chat_template_kwargs: v.nullish(record),
  priority: v.nullish(number),
  request_id: v.nullish(string),
})

/** `inputs` are the texts of `input`, or null where the request has `messages`. */
export type EmbeddingRequest = Omit<v.InferOutput<typeof schema>, 'input'> & {
  readonly inputs: readonly Prompt[] | null
}

const isIds = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((id) => Number.isInteger(id))

const readInputs = (input: unknown): readonly Prompt[] => {
  if (typeof input === 'string') return [input]
  if (Array.isArray(input) && input.length === 0) {
    throw invalidRequest('input must hold at least one text.', 'input')
  }
  if (isIds(input)) return [input]
  const isText = (item: unknown) => typeof item === 'string' || isIds(item)
  if (Array.isArray(input) && input.every(isText)) return input
  throw malformedBody(
    'input must be a string, a list of strings, a list of token ids or a list of such lists.',
    'input',
  )
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseEmbeddingRequest = (given: unknown): EmbeddingRequest => {
  const { input, ...body } = parseBody(schema, given)
  if (body.normalize != null) {
    throw invalidParameter(
      'Parameter `normalize` was removed; use `use_activation` instead.',
      'normalize',
    )
  }
  if (body.messages != null) return { ...body, inputs: null }
  return { ...body, inputs: readInputs(input) }
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
  if (allowed === 'none') {
    throw invalidRequest(
      `Model "${id}" does not support matryoshka representation, changing output dimensions will ` +
        'lead to poor results.',
      'dimensions',
    )
  }
  if (allowed !== 'any' && !allowed.includes(dimensions)) {
    throw invalidRequest(
      `Model "${id}" only supports [${allowed.join(', ')}] matryoshka dimensions, use other output ` +
        'dimensions will lead to poor results.',
      'dimensions',
    )
  }
  if (dimensions < 1) throw invalidRequest('Dimensions must be greater than 0', 'dimensions')
  if (dimensions > engine.width) {
    throw invalidRequest(
      `dimensions must be at most ${engine.width}, the length of this model's vectors, got ` +
        `${dimensions}.`,
      'dimensions',
    )
  }
}

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

/** Token ids of the request's texts, cut as it says. */
export const encodeInputs = (
  inputs: readonly Prompt[],
  body: EmbeddingRequest,
  { engine, tokenizer }: ServedPoolingModel,
): readonly (readonly number[])[] => {
  const isChat = body.inputs === null
  const options = {
    tokenizer,
    // A template writes its special tokens itself.
    addSpecialTokens: body.add_special_tokens ?? !isChat,
    marked: isChat,
    maxTokens: truncationLength(body, engine.maxModelLen),
    truncationSide: body.truncation_side ?? 'right',
  }
  return inputs.map((input) => encodePrompt(input, options))
}
