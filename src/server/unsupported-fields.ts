import { invalidParameter, invalidRequest } from './errors.ts'

type Body = Readonly<Record<string, unknown>>
type Kind = 'chat' | 'completion'

/** A field that would change the answer, with the values that ask for nothing. */
type Unsupported = { readonly field: string; readonly asksNothing: (value: unknown) => boolean }

const off = (field: string): Unsupported => ({ field, asksNothing: (value) => value === false })
const absent = (field: string): Unsupported => ({ field, asksNothing: () => false })
const neutral = (field: string, neutralValue: number): Unsupported => ({
  field,
  asksNothing: (value) => value === neutralValue,
})

const unsupported: readonly Unsupported[] = [
  absent('logprob_token_ids'),
  {
    field: 'response_format',
    asksNothing: (value) =>
      typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
  },
  absent('structured_outputs'),
  neutral('thinking_token_budget', -1),
  absent('prompt_embeds'),
  off('return_assistant_tokens_mask'),
]

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

/** @throws EngineError vLLM's refusal of a template that comes with the request. */
export const refuseChatTemplate = (body: Body): void => {
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
