import { invalidParameter, invalidRequest } from './errors.ts'

type Body = Readonly<Record<string, unknown>>
type Kind = 'chat' | 'completion'

/** A field that would change the answer, with the values that ask for nothing. */
type Unsupported = { readonly field: string; readonly asksNothing: (value: unknown) => boolean }

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const off = (field: string): Unsupported => ({ field, asksNothing: (value) => value === false })
const absent = (field: string): Unsupported => ({ field, asksNothing: () => false })
const empty = (field: string): Unsupported => ({ field, asksNothing: isEmpty })
const neutral = (field: string, neutralValue: number): Unsupported => ({
  field,
  asksNothing: (value) => value === neutralValue,
})

const unsupported: readonly Unsupported[] = [
  { field: 'logprobs', asksNothing: (value) => value === false },
  neutral('top_logprobs', 0),
  absent('prompt_logprobs'),
  absent('logprob_token_ids'),
  neutral('presence_penalty', 0),
  neutral('frequency_penalty', 0),
  neutral('repetition_penalty', 1),
  neutral('length_penalty', 1),
  empty('logit_bias'),
  absent('allowed_token_ids'),
  empty('bad_words'),
  {
    field: 'response_format',
    asksNothing: (value) =>
      typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
  },
  absent('structured_outputs'),
  off('use_beam_search'),
  neutral('thinking_token_budget', -1),
  absent('truncate_prompt_tokens'),
  absent('prompt_embeds'),
  absent('repetition_detection'),
  neutral('priority', 0),
  off('return_token_ids'),
  off('return_prompt_text'),
  off('return_token_offsets'),
  off('return_assistant_tokens_mask'),
]

const checkLogprobs = (body: Body) => {
  const top = body['top_logprobs']
  if (typeof top !== 'number' || top === 0) return
  if (top < 0 && top !== -1) {
    throw invalidParameter('`top_logprobs` must be a positive value or -1.', 'top_logprobs', top)
  }
  if (!body['logprobs']) {
    throw invalidParameter(
      'when using `top_logprobs`, `logprobs` must be set to true.',
      'top_logprobs',
    )
  }
}

const checkResponseFormat = (body: Body) => {
  const format = body['response_format']
  if (typeof format !== 'object' || format === null || !('type' in format)) return
  if (format.type === 'json_schema' && !('json_schema' in format && format.json_schema != null)) {
    throw invalidParameter(
      "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
      'response_format',
    )
  }
}

const refuseChatTemplate = (body: Body) => {
  if (body['chat_template'] == null) return
  throw invalidRequest(
    'Chat template is passed with request, but --trust-request-chat-template is not set. ' +
      'Refused request with untrusted chat template.',
  )
}

/**
 * Refuses, by name, what this version does not do and what would change the answer. Anything else
 * that is unknown is ignored, as vLLM does.
 *
 * @throws EngineError vLLM's own refusal where the field would be wrong there too.
 */
export const refuseUnsupportedFields = (body: Body, kind: Kind): void => {
  if (kind === 'chat') {
    checkLogprobs(body)
    refuseChatTemplate(body)
  } else if (body['suffix']) {
    throw invalidRequest('suffix is not currently supported')
  }
  checkResponseFormat(body)
  for (const { field, asksNothing } of unsupported) {
    const value = body[field]
    if (value === undefined || value === null || asksNothing(value)) continue
    throw invalidRequest(`\`${field}\` is not supported by this version.`, field)
  }
}
