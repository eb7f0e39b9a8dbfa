import * as v from 'valibot'
import type { ToolChoice } from '../parsers/output-parser.ts'
import { checkChatBody, checkCompletionBody } from './body-checks.ts'
import { invalidRequest } from './errors.ts'
import {
  boolean,
  dataObject,
  integer,
  integerWithin,
  isRecord,
  list,
  number,
  object,
  oneOf,
  openObject,
  parseBody,
  record,
  recordOf,
  string,
} from './lax-types.ts'
import { message } from './message-schema.ts'
import { prompts } from './prompt-schema.ts'
import { structuredEntries } from './structured-output.ts'
import { refuseChatTemplate, refuseInCompletions } from './refused-fields.ts'

export const mostStopStrings = 4
/** Choices of one prompt, or beams: each is a request of its own in the batch. */
const mostChoices = 16
const largestInt64 = 2n ** 63n - 1n
const int64 = { least: -largestInt64 - 1n, most: largestInt64 }

const stop = v.nullish(
  v.pipe(
    v.unknown(),
    v.transform((given) => (typeof given === 'string' ? [given] : given)),
    list(string),
  ),
)

/**
 * What both kinds of completion read. Fields without an entry are ignored, as vLLM does; `optional` are
 * those that may be left out, but not null.
 */
const commonEntries = {
  model: v.nullish(string),
  frequency_penalty: v.nullish(number),
  logit_bias: v.nullish(recordOf(number)),
  max_tokens: v.nullish(integer),
  n: v.nullish(integer),
  presence_penalty: v.nullish(number),
  seed: v.nullish(integerWithin(int64)),
  stop,
  stream: v.nullish(boolean),
  stream_options: v.nullish(
    object({
      include_usage: v.nullish(boolean),
      continuous_usage_stats: v.nullish(boolean),
    }),
  ),
  temperature: v.nullish(number),
  top_p: v.nullish(number),
  user: v.nullish(string),
  use_beam_search: v.optional(boolean),
  top_k: v.nullish(integer),
  min_p: v.nullish(number),
  repetition_penalty: v.nullish(number),
  length_penalty: v.optional(number),
  stop_token_ids: v.nullish(list(integer)),
  include_stop_str_in_output: v.optional(boolean),
  ignore_eos: v.optional(boolean),
  min_tokens: v.optional(integer),
  skip_special_tokens: v.optional(boolean),
  spaces_between_special_tokens: v.optional(boolean),
  truncate_prompt_tokens: v.nullish(integerWithin({ least: -1, most: largestInt64 })),
  truncation_side: v.nullish(oneOf(['left', 'right'])),
  allowed_token_ids: v.nullish(list(integer)),
  prompt_logprobs: v.nullish(integer),
  logprob_token_ids: v.nullish(list(integer)),
  bad_words: v.optional(list(string)),
  thinking_token_budget: v.nullish(integer),
  echo: v.nullish(boolean),
  add_special_tokens: v.optional(boolean),
  ...structuredEntries,
  priority: v.optional(integerWithin(int64)),
  request_id: v.optional(string),
  session_id: v.nullish(string),
  return_tokens_as_token_ids: v.nullish(boolean),
  return_token_ids: v.nullish(boolean),
  cache_salt: v.nullish(string),
  routed_experts_prompt_start: v.optional(integerWithin({ least: 0 })),
  return_token_offsets: v.nullish(boolean),
  kv_transfer_params: v.nullish(record),
  ec_transfer_params: v.nullish(record),
  vllm_xargs: v.nullish(record),
  repetition_detection: v.nullish(
    dataObject('RepetitionDetectionParams', {
      max_pattern_size: v.optional(integer),
      min_pattern_size: v.optional(integer),
      min_count: v.optional(integer),
    }),
  ),
  stream_interval: v.nullish(integerWithin({ least: 1 })),
  stream_format: v.nullish(oneOf(['json', 'text'])),
}

const reasoningEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

const tool = openObject({
  type: v.optional(oneOf(['function'])),
  function: openObject({
    name: string,
    description: v.nullish(string),
    parameters: v.nullish(record),
  }),
})

/** One order of keys, whichever the client uses: equal tools make equal prompts. */
const inOrder = ({ function: described }: v.InferOutput<typeof tool>): Tool => {
  const { name, description, parameters, ...rest } = described
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

/** The field `tools` of a body. */
export const tools = v.pipe(
  v.nullish(list(tool)),
  v.transform((given): readonly Tool[] | null => given?.map(inOrder) ?? null),
)

const namedChoice = object({
  type: v.optional(oneOf(['function'])),
  function: object({ name: string }),
})

const chatSchema = object({
  messages: list(message),
  ...commonEntries,
  logprobs: v.nullish(boolean),
  top_logprobs: v.nullish(integer),
  echo: v.optional(boolean),
  max_completion_tokens: v.nullish(integer),
  tools,
  tool_choice: v.optional(v.lazy((choice) => (isRecord(choice) ? namedChoice : v.unknown()))),
  parallel_tool_calls: v.nullish(boolean),
  reasoning_effort: v.nullish(oneOf(reasoningEfforts)),
  include_reasoning: v.optional(boolean),
  chat_template_kwargs: v.nullish(record),
  documents: v.nullish(list(recordOf(string))),
  add_generation_prompt: v.optional(boolean),
  continue_final_message: v.optional(boolean),
  return_prompt_text: v.nullish(boolean),
  return_assistant_tokens_mask: v.optional(boolean),
  media_io_kwargs: v.nullish(recordOf(record)),
  mm_processor_kwargs: v.nullish(record),
})

const completionSchema = object({
  prompt: v.nullish(prompts),
  ...commonEntries,
  n: v.optional(integer),
  logprobs: v.nullish(integer),
})

export type CommonRequest = v.InferOutput<v.ObjectSchema<typeof commonEntries, string>>
export type Tool = {
  readonly type: 'function'
  readonly function: { readonly name: string; readonly [field: string]: unknown }
}
/** `tools` are checked; `tool_choice` is settled. */
export type ChatRequest = Omit<v.InferOutput<typeof chatSchema>, 'tools' | 'tool_choice'> & {
  readonly tools: readonly Tool[] | null
  readonly toolChoice: ToolChoice
}
/** Every prompt of the request, as text or as token ids. */
export type CompletionRequest = Omit<v.InferOutput<typeof completionSchema>, 'prompt'> & {
  readonly prompts: readonly (string | readonly number[])[]
}

const checkCommon = (body: CommonRequest) => {
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
}

/** Other words were refused with the body. */
const resolveToolChoice = (choice: unknown, hasTools: boolean): ToolChoice => {
  if (choice === undefined) return hasTools ? 'auto' : 'none'
  if (choice === 'auto' || choice === 'required') return choice
  const named = v.safeParse(namedChoice, choice)
  return named.success ? { type: 'function', function: named.output.function } : 'none'
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseChatRequest = (body: unknown): ChatRequest => {
  checkChatBody(body)
  const { tool_choice: choice, ...request } = parseBody(chatSchema, body)
  checkCommon(request)
  refuseChatTemplate(isRecord(body) ? body : {})
  refuseChatTemplate(request.chat_template_kwargs ?? {})
  const given = request.tools ?? null
  return { ...request, tools: given, toolChoice: resolveToolChoice(choice, given !== null) }
}

/** @throws EngineError in vLLM's words for what vLLM refuses too. */
export const parseCompletionRequest = (body: unknown): CompletionRequest => {
  checkCompletionBody(body)
  const { prompt, ...request } = parseBody(completionSchema, body)
  checkCommon(request)
  refuseInCompletions(isRecord(body) ? body : {})
  if (!prompt?.length) throw invalidRequest('You must pass at least one prompt', 'prompt')
  return { ...request, prompts: prompt }
}
