import { anthropicError } from '../anthropic/errors.ts'
import { type MessageEvent, messageEvents, wholeMessage } from '../anthropic/reply.ts'
import { readMessagesRequest } from '../anthropic/request.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import type { Route } from '../route.ts'
import { eventFrame, type SseFrames } from '../sse.ts'
import { parseChatRequest } from '../validation.ts'
import { startChat } from './chat-completions.ts'

const frames: SseFrames<MessageEvent> = {
  chunk: (event) => eventFrame(event.type, event),
  failure: (error) => eventFrame('error', anthropicError(error)),
  end: '',
}

/** Anthropic's messages, as a chat. */
export const messages: Route = async (context) => {
  const { metrics, request } = context
  const body = parseChatRequest(readMessagesRequest(await readJsonBody(request)))
  request.signal.throwIfAborted()
  const { choices, reply } = await startChat(context, body)
  return respond({
    choices,
    signal: request.signal,
    stream: body.stream ?? false,
    metrics,
    frames,
    chunks: () => messageEvents(reply),
    whole: () => wholeMessage(reply),
  })
}
