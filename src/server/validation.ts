import * as v from 'valibot'
import type { ToolChoice } from '../parsers/output-parser.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
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
  recordOf,
  string,
} from './lax-types.ts'
import { checkGenerationPrompt } from './render-chat.ts'
import { structuredEntries } from './structured-output.ts'
import { refuseChatTemplate, refuseInCompletions } from './unsupported-fields.ts'

const mostStopStrings = 4
const mostPrompts = 1024
/** Choices of one prompt, or beams: each is a request of its own in the batch. */
const mostChoices = 16
const largestInt64 = 2n ** 63n - 1n

const stop = v.nullish(
  v.pipe(
    v.unknown(),
    v.transform((given) => (typeof given === 'string' ? [given] : given)),
    list(string),
  ),
)

/** What both kinds of completion read. Fields without an entry are ignored, as vLLM does. */
const commonEntries = {
  model: v.nullish(string),
  temperature: v.nullish(number),
  top_p: v.nullish(number),
  top_k: v.nullish(integer),
  min_p: v.nullish(number),
  presence_penalty: v.nullish(number),
  frequency_penalty: v.nullish(number),
  repetition_penalty: v.nullish(number),
  logit_bias: v.nullish(recordOf(number)),
  allowed_token_ids: v.nullish(list(integer)),
  bad_words: v.nullish(list(string)),
  seed: v.nullish(integerWithin({ least: -largestInt64 - 1n, most: largestInt64 })),
  max_tokens: v.nullish(integer),
  min_tokens: v.nullish(integer),
  n: v.nullish(integer),
  stop,
  stop_token_ids: v.nullish(list(integer)),
  ignore_eos: v.nullish(boolean),
  use_beam_search: v.nullish(boolean),
  length_penalty: v.nullish(number),
  prompt_logprobs: v.nullish(integer),
  logprob_token_ids: v.nullish(list(integer)),
  return_tokens_as_token_ids: v.nullish(boolean),
  return_token_ids: v.nullish(boolean),
  skip_special_tokens: v.nullish(boolean),
  include_stop_str_in_output: v.nullish(boolean),
  add_special_tokens: v.nullish(boolean),
  truncate_prompt_tokens: v.nullish(integerWithin({ least: -1 })),
  truncation_side: v.nullish(oneOf(['left', 'right'])),
  stream: v.nullish(boolean),
  stream_options: v.nullish(
    object({
      include_usage: v.nullish(boolean),
      continuous_usage_stats: v.nullish(boolean),
    }),
  ),
  stream_interval: v.nullish(integerWithin({ least: 1 })),
  stream_format: v.nullish(oneOf(['json', 'text'])),
  repetition_detection: v.nullish(
    object({
      max_pattern_size: v.nullish(integer),
      min_pattern_size: v.nullish(integer),
      min_count: v.nullish(integer),
    }),
  ),
  ...structuredEntries,
  echo: v.nullish(boolean),
  cache_salt: v.nullish(string),
  priority: v.nullish(integer),
  request_id: v.nullish(string),
  session_id: v.nullish(string),
  user: v.nullish(string),
}

const reasoningEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

const chatSchema = object({
  ...commonEntries,
  messages: list(record),
  logprobs: v.nullish(boolean),
  top_logprobs: v.nullish(integer),
  max_completion_tokens: v.nullish(integer),
  tools: v.nullish(list(record)),
  parallel_tool_calls: v.nullish(boolean),
  reasoning_effort: v.nullish(oneOf(reasoningEfforts)),
  include_reasoning: v.nullish(boolean),
  thinking_token_budget: v.nullish(integerWithin({ least: -1 })),
  chat_template_kwargs: v.nullish(record),
  documents: v.nullish(list(record)),
  add_generation_prompt: v.nullish(boolean),
  continue_final_message: v.nullish(boolean),
  return_prompt_text: v.nullish(boolean),
})

const completionSchema = object({
  ...commonEntries,
  prompt: v.nullish(v.unknown()),
  logprobs: v.nullish(integer),
})

export type CommonRequest = v.InferOutput<v.ObjectSchema<typeof commonEntries, string>>
export type Tool = {
  readonly type: 'function'
  readonly function: { readonly name: string; readonly [field: string]: unknown }
}
/** `tools` are checked; `tool_choice` is settled: null where the request has no tools. */
export type ChatRequest = Omit<v.InferOutput<typeof chatSchema>, 'tools'> & {
  readonly tools: readonly Tool[] | null
  readonly toolChoice: ToolChoice
}
/** Every prompt of the request, as text or as token ids. */
export type CompletionRequest = Omit<v.InferOutput<typeof completionSchema>, 'prompt'> & {
  readonly prompts: readonly (string | readonly number[])[]
}

type Body = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const checkCommon = (body: CommonRequest) => {
  if (body.stream_options && !body.stream) {
    throw invalidParameter(
      'Stream options can only be defined when `stream=True`.',
      'stream_options',
    )
  }
  const stopStrings = body.stop ?? []
  if (stopStrings.length > mostStopStrings) {
    throw invalidRequest(
      `stop can hold at most ${mostStopStrings} strings, got ${stopStrings.length}.`,
      'stop',
    )
  }
  if (stopStrings.includes('')) throw invalidRequest('stop cannot contain an empty string.', 'stop')
  const n = body.n ?? 1
  if (n < 1) throw invalidRequest(`n must be at least 1, got ${n}.`, 'n')
  if (n > mostChoices) throw invalidRequest(`n must be at most ${mostChoices}, got ${n}.`, 'n')
  if (body.cache_salt === '') {
    throw invalidParameter(
      "Parameter 'cache_salt' must be a non-empty string if provided.",
      'cache_salt',
    )
  }
}

const checkTool = (tool: Body): Tool => {
  const { type, function: definition } = tool
  if (type !== undefined && type !== 'function') {
    throw invalidRequest(
      `Only tools of type "function" are supported, got ${JSON.stringify(type)}.`,
      'tools',
    )
  }
  if (!isRecord(definition) || typeof definition['name'] !== 'string') {
    throw invalidRequest(
      'Each tool must be {"type": "function", "function": {"name": "my_function", ...}}.',
      'tools',
    )
  }
  // One order of keys, whichever the client uses: equal tools make equal prompts.
  const { name, description, parameters, ...rest } = definition
  return {
    type: 'function',
    function: {
      name,
      ...(description == null ? {} : { description }),
      ...(parameters == null ? {} : { parameters }),
      ...rest,
    },
  }
}

/** @throws EngineError in vLLM's words for an empty list, and for what is no function. */
export const readTools = (given: readonly Body[] | null | undefined): readonly Tool[] | null => {
  if (given?.length === 0) {
    throw invalidParameter(
      '`tools` must not be an empty array. ' +
        'Either provide at least one tool or omit the field entirely.',
      'tools',
    )
  }
  return given?.map(checkTool) ?? null
}

const readNamedChoice = (choice: Body, tools: readonly Tool[]): ToolChoice => {
  const { function: named } = choice
  if (!isRecord(named) || typeof named['name'] !== 'string') {
    throw invalidParameter(
      'Invalid value for `function`: `None` in `tool_choice`! Correct usage: ' +
        '`{"type": "function", "function": {"name": "my_function"}}`',
      'tool_choice.function',
    )
  }
  const { name } = named
  if (!tools.some((tool) => tool.function.name === name)) {
    throw invalidParameter(
      'The tool specified in `tool_choice` does not match any of the specified `tools`',
      'tool_choice',
    )
  }
  return { type: 'function', function: { name } }
}

const resolveToolChoice = (choice: unknown, tools: readonly Tool[] | null): ToolChoice => {
  if (choice === undefined) return tools ? 'auto' : 'none'
  if (choice === 'none' || choice === null) return 'none'
  if (!tools) {
    throw invalidParameter('When using `tool_choice`, `tools` must be set.', 'tool_choice')
  }
  if (choice === 'auto' || choice === 'required') return choice
  if (isRecord(choice)) return readNamedChoice(choice, tools)
  throw invalidParameter(
    `Invalid value for \`tool_choice\`: ${typeof choice === 'string' ? choice : JSON.stringify(choice)}! ` +
      'Only named tools, "none", "auto" or "required" are supported.',
    'tool_choice',
  )
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseChatRequest = (body: unknown): ChatRequest => {
  const request = parseBody(chatSchema, body)
  const raw = isRecord(body) ? body : {}
  checkCommon(request)
  const tools = readTools(request.tools)
  const toolChoice = resolveToolChoice(raw['tool_choice'], tools)
  checkGenerationPrompt(request)
  refuseChatTemplate(raw)
  return { ...request, tools, toolChoice }
}

const isIds = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((id) => Number.isInteger(id))

const readPrompts = (prompt: unknown): CompletionRequest['prompts'] => {
  if (prompt == null || prompt === '' || (Array.isArray(prompt) && prompt.length === 0)) {
    throw invalidParameter(
      'Either prompt or prompt_embeds must be provided and non-empty.',
      'prompt',
    )
  }
  if (typeof prompt === 'string' || isIds(prompt)) return [prompt]
  const isPrompt = (item: unknown) => typeof item === 'string' || isIds(item)
  if (!Array.isArray(prompt) || !prompt.every(isPrompt)) {
    throw invalidRequest(
      'prompt must be a string, a list of strings, a list of token ids or a list of such lists.',
      'prompt',
    )
  }
  if (prompt.length > mostPrompts) {
    throw invalidParameter(
      `prompt list length ${prompt.length} exceeds the maximum allowed count of ${mostPrompts}.`,
      'prompt',
    )
  }
  return prompt
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseCompletionRequest = (body: unknown): CompletionRequest => {
  const request = parseBody(completionSchema, body)
  checkCommon(request)
  refuseInCompletions(isRecord(body) ? body : {})
  const prompts = readPrompts(request.prompt)
  const { prompt: _, ...rest } = request
  return { ...rest, prompts }
}
