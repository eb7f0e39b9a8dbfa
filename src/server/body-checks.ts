import { invalidParameter, invalidRequest } from './errors.ts'
import { isRecord, pythonText } from './lax-types.ts'

// vLLM looks at these fields before it reads the body, whatever their types are, and says so in words of
// its own. The order is that of its checks: it tells which one a body with several faults is refused for.

type Body = Readonly<Record<string, unknown>>

/** What Python takes for true. */
export const isTruthy = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length > 0
  return isRecord(value) ? Object.keys(value).length > 0 : Boolean(value)
}

/** @throws EngineError in vLLM's words for a request that asks for both explicitly. */
export const checkGenerationPrompt = (body: Body): void => {
  if (!isTruthy(body['continue_final_message']) || !isTruthy(body['add_generation_prompt'])) return
  throw invalidRequest(
    'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
  )
}

const correctUsage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`'

const toolName = (tool: unknown): unknown => {
  const described = isRecord(tool) ? tool['function'] : null
  return isRecord(described) ? described['name'] : undefined
}

const checkNamedChoice = ({ function: named }: Body, tools: unknown) => {
  if (!isRecord(named)) {
    throw invalidParameter(
      `Invalid value for \`function\`: \`${pythonText(named)}\` in \`tool_choice\`! ${correctUsage}`,
      'tool_choice.function',
    )
  }
  const { name } = named
  const field = 'tool_choice.function.name'
  if (!('name' in named)) {
    throw invalidParameter(
      `Expected field \`name\` in \`function\` in \`tool_choice\`! ${correctUsage}`,
      field,
    )
  }
  if (typeof name !== 'string' || name === '') {
    throw invalidParameter(
      `Invalid \`name\` in \`function\`: \`${pythonText(name)}\` in \`tool_choice\`! ${correctUsage}`,
      field,
    )
  }
  if (Array.isArray(tools) && tools.some((tool) => toolName(tool) === name)) return
  throw invalidParameter(
    'The tool specified in `tool_choice` does not match any of the specified `tools`',
    'tool_choice',
  )
}

const checkTools = ({ tools, tool_choice: choice }: Body) => {
  if (Array.isArray(tools) && tools.length === 0) {
    throw invalidParameter(
      '`tools` must not be an empty array. ' +
        'Either provide at least one tool or omit the field entirely.',
      'tools',
    )
  }
  if (choice == null || choice === 'none') return
  if (tools == null) {
    throw invalidParameter('When using `tool_choice`, `tools` must be set.', 'tool_choice')
  }
  if (choice === 'auto' || choice === 'required') return
  if (isRecord(choice)) return checkNamedChoice(choice, tools)
  throw invalidParameter(
    `Invalid value for \`tool_choice\`: ${pythonText(choice)}! ` +
      'Only named tools, "none", "auto" or "required" are supported.',
    'tool_choice',
  )
}

const choiceWords: readonly unknown[] = [undefined, 'none', 'auto', 'required']

const checkStructuredOutputs = (body: Body, parameter?: string) => {
  const outputs = body['structured_outputs']
  if (!isRecord(outputs)) return
  const given = ['json', 'regex', 'choice'].filter((kind) => outputs[kind] != null)
  if (given.length > 1) {
    const message =
      "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice')."
    throw parameter ? invalidParameter(message, parameter) : invalidRequest(message)
  }
  if (given.length === 0 || choiceWords.includes(body['tool_choice'])) return
  throw invalidRequest(
    'You can only either use constraints for structured outputs or tools, not both.',
  )
}

const checkNumber = (body: Body, field: string): number | null => {
  const value = body[field]
  if (value == null) return null
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value)
  throw invalidParameter(`\`${field}\` must be an integer.`, field, pythonText(value))
}

const wholeVocabulary = -1

const checkNotNegative = (
  field: string,
  value: number | null,
  least = 'a positive value or -1',
) => {
  if (value === null || value >= 0) return
  if (value === wholeVocabulary && least.endsWith('-1')) return
  throw invalidParameter(`\`${field}\` must be ${least}.`, field, value)
}

const checkPromptLogprobs = (body: Body, value: number | null) => {
  const isAsked = value !== null && (value > 0 || value === wholeVocabulary)
  if (isAsked && isTruthy(body['stream'])) {
    throw invalidParameter(
      '`prompt_logprobs` are not available when `stream=True`.',
      'prompt_logprobs',
    )
  }
  checkNotNegative('prompt_logprobs', value)
}

/** Ids whose log probabilities are asked for by name; an empty list asks for none. */
const checkLogprobTokenIds = (body: Body, hasLogprobs: boolean, needed: string) => {
  const field = 'logprob_token_ids'
  if (!isTruthy(body[field])) return
  if (isTruthy(body['use_beam_search'])) {
    throw invalidParameter(`\`${field}\` is not supported with beam search.`, field)
  }
  if (needed === 'set' && isTruthy(body['echo']) && body['max_tokens'] === 0) {
    throw invalidParameter(
      `\`${field}\` is not supported when \`echo=True\` and \`max_tokens=0\` because no output ` +
        'tokens are generated.',
      field,
    )
  }
  if (hasLogprobs) return
  throw invalidParameter(`when using \`${field}\`, \`logprobs\` must be ${needed}.`, field)
}

const checkChatLogprobs = (body: Body) => {
  const hasLogprobs = isTruthy(body['logprobs'])
  checkLogprobTokenIds(body, hasLogprobs, 'set to true')
  const promptLogprobs = checkNumber(body, 'prompt_logprobs')
  const numTop = checkNumber(body, 'top_logprobs')
  checkPromptLogprobs(body, promptLogprobs)
  checkNotNegative('top_logprobs', numTop)
  if (!numTop || hasLogprobs) return
  throw invalidParameter(
    'when using `top_logprobs`, `logprobs` must be set to true.',
    'top_logprobs',
  )
}

const checkCompletionLogprobs = (body: Body) => {
  checkLogprobTokenIds(body, body['logprobs'] != null, 'set')
  const promptLogprobs = checkNumber(body, 'prompt_logprobs')
  const logprobs = checkNumber(body, 'logprobs')
  checkPromptLogprobs(body, promptLogprobs)
  checkNotNegative('logprobs', logprobs, 'a positive value')
}

const checkStreamOptions = (body: Body) => {
  if (!isTruthy(body['stream_options']) || isTruthy(body['stream'])) return
  throw invalidParameter('Stream options can only be defined when `stream=True`.', 'stream_options')
}

const checkResponseFormat = ({ response_format: format }: Body) => {
  if (!isRecord(format) || format['type'] !== 'json_schema' || format['json_schema'] != null) return
  throw invalidParameter(
    "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
    'response_format',
  )
}

const checkCacheSalt = ({ cache_salt: salt }: Body) => {
  if (salt == null || (typeof salt === 'string' && salt !== '')) return
  throw invalidParameter(
    "Parameter 'cache_salt' must be a non-empty string if provided.",
    'cache_salt',
  )
}

const checkThinkingBudget = ({ thinking_token_budget: budget }: Body) => {
  if (budget == null || (Number.isInteger(budget) && Number(budget) >= -1)) return
  throw invalidParameter(
    '`thinking_token_budget` must be a non-negative integer or -1 for unlimited.',
    'thinking_token_budget',
    pythonText(budget),
  )
}

const mostPrompts = 1024

const checkPrompts = ({ prompt, prompt_embeds: embeds }: Body) => {
  const isList = Array.isArray(prompt)
  const isIds = isList && prompt.every((id) => typeof id === 'number' || typeof id === 'boolean')
  if (isList && !isIds && prompt.length > mostPrompts) {
    throw invalidParameter(
      `prompt list length ${prompt.length} exceeds the maximum allowed count of ${mostPrompts}.`,
      'prompt',
    )
  }
  const hasPrompt = prompt != null && prompt !== ''
  const hasEmbeds = embeds != null && !(Array.isArray(embeds) && embeds.length === 0)
  if (hasPrompt || hasEmbeds) return
  throw invalidParameter('Either prompt or prompt_embeds must be provided and non-empty.', 'prompt')
}

/** @throws EngineError in vLLM's words. */
export const checkChatBody = (body: unknown): void => {
  if (!isRecord(body)) return
  checkGenerationPrompt(body)
  checkTools(body)
  checkStructuredOutputs(body)
  checkChatLogprobs(body)
  checkStreamOptions(body)
  checkResponseFormat(body)
  checkCacheSalt(body)
  checkThinkingBudget(body)
}

/** @throws EngineError in vLLM's words. */
export const checkCompletionBody = (body: unknown): void => {
  if (!isRecord(body)) return
  checkPrompts(body)
  checkStreamOptions(body)
  checkCompletionLogprobs(body)
  checkStructuredOutputs(body, 'structured_outputs')
  checkResponseFormat(body)
  checkCacheSalt(body)
  checkThinkingBudget(body)
}
