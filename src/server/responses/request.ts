import * as v from 'valibot'
import { EngineError } from '../../errors.ts'
import { isTruthy } from '../body-checks.ts'
import { invalidParameter, invalidRequest, malformedBody } from '../errors.ts'
import {
  boolean,
  demand,
  integer,
  isRecord,
  list,
  object,
  oneOf,
  parseBody,
  record,
  string,
  withOthers,
} from '../lax-types.ts'
import { readToolUse, toChatTools, toolsSchema, type ToolUse } from './functions.ts'
import { isUnfinished, toMessages } from './input-items.ts'

type Fields = Readonly<Record<string, unknown>>

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/** What is told apart from chat. The other fields go there as they are. */
const schema = object({
  background: v.nullish(boolean),
  include: v.nullish(list(string)),
  input: v.unknown(),
  instructions: v.nullish(string),
  max_output_tokens: v.nullish(integer),
  max_tool_calls: v.nullish(integer),
  metadata: v.nullish(record),
  parallel_tool_calls: v.nullish(boolean),
  previous_response_id: v.nullish(string),
  reasoning: v.nullish(withOthers({ effort: v.nullish(oneOf(efforts)) })),
  request_id: v.nullish(string),
  service_tier: v.nullish(oneOf(['auto', 'default', 'flex', 'scale', 'priority'])),
  store: v.nullish(boolean),
  stream: v.nullish(boolean),
  text: v.nullish(
    object({
      format: v.nullish(withOthers({ type: oneOf(['text', 'json_object', 'json_schema']) })),
      verbosity: v.nullish(string),
    }),
  ),
  tools: v.nullish(toolsSchema),
  top_logprobs: v.nullish(integer),
  truncation: v.nullish(oneOf(['auto', 'disabled'])),
  user: v.nullish(string),
})

/** Fields with the same name and meaning in chat. */
const chatFields = [
  'cache_salt',
  'chat_template_kwargs',
  'frequency_penalty',
  'ignore_eos',
  'include_reasoning',
  'include_stop_str_in_output',
  'logit_bias',
  'model',
  'parallel_tool_calls',
  'presence_penalty',
  'priority',
  'repetition_penalty',
  'seed',
  'skip_special_tokens',
  'stop',
  'stream',
  'structured_outputs',
  'temperature',
  'top_k',
  'top_p',
] as const

export type ResponsesRequest = Omit<v.InferOutput<typeof schema>, 'input' | 'tools'> & {
  readonly items: readonly unknown[]
  /** As given. */
  readonly tools: unknown
  /** As given, or settled where it was not. */
  readonly toolChoice: unknown
  readonly toolUse: ToolUse
  /** The body as it came. */
  readonly given: Fields
}

/** A refusal of the kind that vLLM has for this endpoint alone. */
export const responsesError = (message: string, parameter: string, status = 400): EngineError =>
  new EngineError('invalid-request', message, {
    details: { parameter, status, type: 'invalid_request_error' },
  })

const readItems = (input: unknown): readonly unknown[] => {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  if (Array.isArray(input)) return input
  throw malformedBody('`input` must be a string or a list of items.', 'body.input')
}

const refuseUnsupported = (given: Fields) => {
  if (given['prompt'] != null) {
    throw invalidParameter('prompt template is not supported', 'prompt')
  }
  for (const field of ['previous_input_messages', 'enable_response_messages']) {
    if (!isTruthy(given[field])) continue
    throw invalidRequest(`\`${field}\` is not supported by this version.`, field)
  }
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseResponsesRequest = (body: unknown): ResponsesRequest => {
  const { input, ...request } = parseBody(schema, body)
  const given = isRecord(body) ? body : {}
  refuseUnsupported(given)
  if (request.background && request.store === false) {
    throw invalidParameter('background can only be used when `store` is true', 'background')
  }
  if (request.text?.format && given['structured_outputs'] != null) {
    throw invalidParameter(
      'Cannot specify both structured_outputs and text.format',
      'structured_outputs',
    )
  }
  const { format } = request.text ?? {}
  if (format?.type === 'json_schema') demand(format, ['name', 'schema'], ['text', 'format'])
  const { tool_choice: choice, tools } = given
  const toolUse = readToolUse(choice, request.tools ?? [])
  const toolChoice = isRecord(choice) ? choice : toolUse.choice
  return { ...request, items: readItems(input), tools: tools ?? [], toolChoice, toolUse, given }
}

const toResponseFormat = (format: Fields): object => {
  const { type, ...jsonSchema } = format
  return type === 'json_schema' ? { type, json_schema: jsonSchema } : format
}

const wantsLogprobs = ({ include }: ResponsesRequest): boolean =>
  include?.includes('message.output_text.logprobs') ?? false

/**
 * The request as the body of a chat request.
 *
 * @param earlierItems the conversation that the request goes on with
 * @throws EngineError a 400 for items that have no place in a chat.
 */
export const toChatBody = (
  request: ResponsesRequest,
  earlierItems: readonly unknown[],
  requestId: string,
): Fields => {
  const { given, instructions, items, reasoning, text, toolUse, truncation } = request
  const messages = toMessages([...earlierItems, ...items])
  return {
    ...Object.fromEntries(
      chatFields.flatMap((field) => (field in given ? [[field, given[field]]] : [])),
    ),
    messages: instructions ? [{ role: 'system', content: instructions }, ...messages] : messages,
    request_id: requestId,
    ...toChatTools(toolUse),
    ...(reasoning?.['effort'] == null ? {} : { reasoning_effort: reasoning['effort'] }),
    ...(text?.format ? { response_format: toResponseFormat(text.format) } : {}),
    ...(wantsLogprobs(request) ? { logprobs: true, top_logprobs: request.top_logprobs } : {}),
    ...(truncation === 'auto' ? { truncate_prompt_tokens: -1 } : {}),
    ...(isUnfinished(items) ? { continue_final_message: true } : {}),
  }
}
