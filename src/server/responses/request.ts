import * as v from 'valibot'
import { EngineError } from '../../errors.ts'
import { invalidParameter, invalidRequest, malformedBody } from '../errors.ts'
import {
  bodyError,
  boolean,
  integer,
  list,
  object,
  oneOf,
  parseBody,
  record,
  string,
} from '../lax-types.ts'
import { isUnfinished, toMessages } from './input-items.ts'

type Fields = Readonly<Record<string, unknown>>

/** An object whose other fields are echoed as they came. */
const withOthers = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(record, v.looseObject(entries))

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
  tools: v.nullish(list(record)),
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
  readonly tools: readonly Fields[]
  /** As given, or settled where it was not. */
  readonly toolChoice: unknown
  /** The body as it came. */
  readonly given: Fields
}

/** A refusal of the kind that vLLM has for this endpoint alone. */
export const responsesError = (message: string, parameter: string, status = 400): EngineError =>
  new EngineError('invalid-request', message, {
    details: { parameter, status, type: 'invalid_request_error' },
  })

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const readItems = (input: unknown): readonly unknown[] => {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  if (Array.isArray(input)) return input
  throw malformedBody('`input` must be a string or a list of items.', 'body.input')
}

/** vLLM has no tools of its own here either; it passes over them. */
const isFunction = ({ type }: Fields): boolean => type === 'function'

/** @throws EngineError in pydantic's words where one of the fields is not there. */
const demand = (given: Fields, fields: readonly string[], path: readonly (string | number)[]) => {
  const missing = fields.filter((field) => given[field] == null)
  if (missing.length === 0) return
  throw bodyError(
    missing.map((field) => ({
      type: 'missing',
      path: [...path, field],
      message: 'Field required',
      input: given,
    })),
  )
}

const checkShapes = (format: Fields | null | undefined, tools: readonly Fields[]) => {
  if (format?.['type'] === 'json_schema') demand(format, ['name', 'schema'], ['text', 'format'])
  for (const [at, tool] of tools.entries()) {
    if (isFunction(tool)) demand(tool, ['name'], ['tools', at])
  }
}

const toolChoices = oneOf(['none', 'auto', 'required'])

const resolveToolChoice = (choice: unknown, tools: readonly Fields[]): unknown => {
  const isGiven = choice !== undefined && choice !== null && choice !== 'auto'
  if (!isGiven) return tools.some(isFunction) ? 'auto' : 'none'
  if (!isFields(choice)) parseBody(object({ tool_choice: toolChoices }), { tool_choice: choice })
  if (choice === 'required' && !tools.some(isFunction)) {
    throw invalidRequest(
      "Tool choice 'required' must be specified with 'tools' parameter.",
      'tool_choice',
    )
  }
  const isNamed = isFields(choice) && choice['type'] === 'function'
  if (isNamed && !tools.some(({ name }) => name === choice['name'])) {
    throw invalidRequest("Tool choice 'function' not found in 'tools' parameter.", 'tool_choice')
  }
  return choice
}

const refuseUnsupported = (given: Fields) => {
  if (given['prompt'] != null) {
    throw invalidParameter('prompt template is not supported', 'prompt')
  }
  for (const field of ['previous_input_messages', 'enable_response_messages']) {
    if (given[field] == null || given[field] === false) continue
    throw invalidRequest(`\`${field}\` is not supported by this version.`, field)
  }
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseResponsesRequest = (body: unknown): ResponsesRequest => {
  const { input, ...request } = parseBody(schema, body)
  const given = isFields(body) ? body : {}
  refuseUnsupported(given)
  if (request.background && request.store === false) {
    throw invalidParameter('background can only be used when `store` is true', 'background')
  }
  if (request.text?.format && given['structured_outputs'] != null) {
    throw invalidRequest('Cannot specify both structured_outputs and text.format')
  }
  const tools = request.tools ?? []
  checkShapes(request.text?.format, tools)
  const toolChoice = resolveToolChoice(given['tool_choice'], tools)
  return { ...request, items: readItems(input), tools, toolChoice, given }
}

const toChatTool = ({ name, description, parameters }: Fields): object => ({
  type: 'function',
  function: { name, description, parameters },
})

const toChatToolChoice = (choice: unknown): unknown =>
  isFields(choice) && choice['type'] === 'function'
    ? { type: 'function', function: { name: choice['name'] } }
    : choice

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
  const { given, instructions, items, reasoning, text, toolChoice, truncation } = request
  const tools = request.tools.filter(isFunction).map(toChatTool)
  const messages = toMessages([...earlierItems, ...items])
  return {
    ...Object.fromEntries(
      chatFields.flatMap((field) => (field in given ? [[field, given[field]]] : [])),
    ),
    messages: instructions ? [{ role: 'system', content: instructions }, ...messages] : messages,
    request_id: requestId,
    ...(tools.length > 0 ? { tools, tool_choice: toChatToolChoice(toolChoice) } : {}),
    ...(reasoning?.['effort'] == null ? {} : { reasoning_effort: reasoning['effort'] }),
    ...(text?.format ? { response_format: toResponseFormat(text.format) } : {}),
    ...(wantsLogprobs(request) ? { logprobs: true, top_logprobs: request.top_logprobs } : {}),
    ...(truncation === 'auto' ? { truncate_prompt_tokens: -1 } : {}),
    ...(isUnfinished(items) ? { continue_final_message: true } : {}),
  }
}
