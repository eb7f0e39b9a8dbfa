import { fetchUntilAborted, headersFor, platformFetch, type Endpoint } from './fetch.ts'
import type { JsonObject } from './arguments.ts'
import type { ChatMessage } from './messages.ts'
import { streamEvents, type StreamEvent } from './stream-events.ts'
import { watchBody } from './watch-body.ts'

/**
 * The body of a chat completion request: besides the messages, whatever the server takes. Another
 * library's type of it will do.
 */
export type ChatRequest<Message extends ChatMessage = ChatMessage> = {
  readonly messages: readonly Message[]
  /** The endpoint's unless given. */
  readonly model?: string
} & (JsonObject | object)

export type ChatOptions = { readonly signal?: AbortSignal | null }

/**
 * Asks for a chat completion and reads what comes: {@link streamEvents}. It asks for a stream that
 * ends with the token counts unless the request says otherwise.
 *
 * @example
 * const events = streamChat(engine, { messages: [{ role: 'user', content: 'Hello' }] })
 * for await (const event of events) if (event.type === 'content') show(event.text)
 */
export const streamChat = (
  endpoint: Endpoint,
  request: ChatRequest,
  { signal = null }: ChatOptions = {},
): AsyncIterableIterator<StreamEvent> => {
  const headers = headersFor(endpoint, { 'content-type': 'application/json' })
  const { fetch = platformFetch, model } = endpoint
  const fields: JsonObject = { ...request }
  const isStream = fields['stream'] !== false
  const body = {
    ...(model === undefined ? {} : { model }),
    ...(isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...fields,
  }
  const init = { method: 'POST', headers, body: JSON.stringify(body), signal }
  const url = `${endpoint.baseURL.replace(/\/+$/, '')}/chat/completions`
  const response = fetchUntilAborted(fetch, url, init)
  return streamEvents(response.then((answer) => watchBody(answer, { signal })))
}
