import { invalidParameter, invalidRequest } from './errors.ts'

type Body = Readonly<Record<string, unknown>>

/** @throws EngineError vLLM's refusal of a template that comes with the request. */
export const refuseChatTemplate = (body: Body): void => {
  if (body['chat_template'] == null) return
  throw invalidRequest(
    'Chat template is passed with request, but --trust-request-chat-template is not set. ' +
      'Refused request with untrusted chat template.',
  )
}

/** @throws EngineError vLLM's refusal of what it does not do, or not without a flag. */
export const refuseInCompletions = (body: Body): void => {
  if (body['suffix'] != null) throw invalidRequest('suffix is not currently supported')
  if (body['prompt_embeds'] == null) return
  throw invalidParameter(
    'You must set `--enable-prompt-embeds` to input `prompt_embeds`.',
    'prompt_embeds',
  )
}
