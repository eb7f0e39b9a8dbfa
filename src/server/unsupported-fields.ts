import { invalidRequest } from './errors.ts'

type Body = Readonly<Record<string, unknown>>
type Kind = 'chat' | 'completion'

/** A field that would change the answer, with the values that ask for nothing. */
type Unsupported = { readonly field: string; readonly asksNothing: (value: unknown) => boolean }

const off = (field: string): Unsupported => ({ field, asksNothing: (value) => value === false })
const absent = (field: string): Unsupported => ({ field, asksNothing: () => false })

const unsupported: readonly Unsupported[] = [
  absent('prompt_embeds'),
  off('return_assistant_tokens_mask'),
]

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
  for (const { field, asksNothing } of unsupported) {
    const value = body[field]
    if (value === undefined || value === null || asksNothing(value)) continue
    throw invalidRequest(`\`${field}\` is not supported by this version.`, field)
  }
}
