import { readCountRequest } from '../anthropic/request.ts'
import { readJsonBody } from '../request-body.ts'
import { checkModelName, type Route } from '../route.ts'
import { parseChatRequest } from '../validation.ts'
import { encodeChat } from './chat-completions.ts'

/** How long the prompt of a message would be. */
export const countTokens: Route = async (context) => {
  const body = parseChatRequest(readCountRequest(await readJsonBody(context.request)))
  checkModelName(context, body)
  const { length } = encodeChat(context.model, body, null).tokenIds
  return Response.json({
    input_tokens: length,
    context_management: { original_input_tokens: length },
  })
}
