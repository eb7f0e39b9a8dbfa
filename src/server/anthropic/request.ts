import * as v from 'valibot'
import { invalidRequest } from '../errors.ts'
import {
  bodyError,
  boolean,
  integer,
  list,
  number,
  object,
  oneOf,
  parseBody,
  record,
  string,
} from '../lax-types.ts'
import { mostStopStrings } from '../validation.ts'
import { toChatMessages } from './chat-messages.ts'

/** Claude Code has names of its own for some of the user's messages. */
const role = v.pipe(
  v.unknown(),
  v.transform((given) => (given === 'ctx' || given === 'msg' ? 'user' : given)),
  oneOf(['user', 'assistant', 'system']),
)

const promptEntries = {
  model: string,
  messages: list(object({ role, content: v.unknown() })),
  system: v.nullish(v.unknown()),
  tools: v.nullish(
    list(object({ name: string, description: v.nullish(string), input_schema: record })),
  ),
  tool_choice: v.nullish(
    object({
      type: oneOf(['auto', 'any', 'tool', 'none']),
      name: v.nullish(string),
      disable_parallel_tool_use: v.nullish(boolean),
    }),
  ),
  chat_template_kwargs: v.nullish(record),
}

const promptSchema = object(promptEntries)

const messagesSchema = object({
  ...promptEntries,
  max_tokens: integer,
  stop_sequences: v.nullish(list(string)),
  stream: v.nullish(boolean),
  temperature: v.nullish(number),
  top_k: v.nullish(integer),
  top_p: v.nullish(number),
  output_config: v.nullish(
    object({
      effort: v.nullish(oneOf(['low', 'medium', 'high', 'xhigh', 'max'])),
      format: v.nullish(object({ type: v.nullish(string), schema: v.nullish(record) })),
    }),
  ),
  cache_salt: v.nullish(string),
})

type PromptRequest = v.InferOutput<typeof promptSchema>
type MessagesRequest = v.InferOutput<typeof messagesSchema>

const refuseValue = (field: string, reason: string, input: unknown) =>
  bodyError([{ type: 'value_error', path: [field], message: `Value error, ${reason}`, input }])

const tooManyStops = (stops: readonly string[]) =>
  bodyError([
    {
      type: 'too_long',
      path: ['stop_sequences'],
      message: `List should have at most ${mostStopStrings} items after validation, not ${stops.length}`,
      input: stops,
    },
  ])

const checkPrompt = ({ model, tool_choice: choice }: PromptRequest) => {
  if (model === '') throw refuseValue('model', 'Model is required', model)
  if (choice?.type === 'tool' && !choice.name) {
    throw refuseValue('tool_choice', "tool_choice.name is required when type is 'tool'", choice)
  }
}

const choices = { auto: 'auto', any: 'required', none: 'none' }

const toToolChoice = (choice: PromptRequest['tool_choice']): unknown => {
  if (choice == null) return undefined
  const { type, name } = choice
  return type === 'tool' ? { type: 'function', function: { name } } : choices[type]
}

/** The part of a chat request's body that makes the prompt. A choice without tools is idle. */
const toChatPrompt = (request: PromptRequest): Readonly<Record<string, unknown>> => {
  const { model, system, messages, tools, tool_choice: choice } = request
  const prompt = {
    model,
    messages: toChatMessages(system, messages),
    chat_template_kwargs: request.chat_template_kwargs,
  }
  if (!tools?.length) return prompt
  return {
    ...prompt,
    tools: tools.map(({ name, description, input_schema: schema }) => ({
      type: 'function',
      function: { name, description, parameters: { type: 'object', ...schema } },
    })),
    tool_choice: toToolChoice(choice),
    parallel_tool_calls: !choice?.disable_parallel_tool_use,
  }
}

const toResponseFormat = ({ output_config: config }: MessagesRequest): object | undefined => {
  const { type, schema } = config?.format ?? {}
  if (type != null && type !== 'json_schema') {
    throw invalidRequest(
      `Output format '${type}' is unknown. Use 'json_schema'.`,
      'output_config.format.type',
    )
  }
  return schema ? { type: 'json_schema', json_schema: { name: 'json_schema', schema } } : undefined
}

/**
 * A request for a message as the body of a chat request.
 *
 * @throws EngineError in vLLM's words for what vLLM refuses too.
 */
export const readMessagesRequest = (body: unknown): Readonly<Record<string, unknown>> => {
  const request = parseBody(messagesSchema, body)
  checkPrompt(request)
  if (request.max_tokens <= 0) {
    throw refuseValue('max_tokens', 'max_tokens must be positive', request.max_tokens)
  }
  const { stop_sequences: stops } = request
  if (stops && stops.length > mostStopStrings) throw tooManyStops(stops)
  return {
    ...toChatPrompt(request),
    max_tokens: request.max_tokens,
    stop: stops,
    stream: request.stream,
    temperature: request.temperature,
    top_k: request.top_k,
    top_p: request.top_p,
    reasoning_effort: request.output_config?.effort,
    response_format: toResponseFormat(request),
    cache_salt: request.cache_salt,
  }
}

/** A request to count tokens as the body of a chat request. */
export const readCountRequest = (body: unknown): Readonly<Record<string, unknown>> => {
  const request = parseBody(promptSchema, body)
  checkPrompt(request)
  return toChatPrompt(request)
}
