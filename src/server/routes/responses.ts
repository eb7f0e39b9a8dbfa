import * as v from 'valibot'
import { invalidParameter, toErrorBody } from '../errors.ts'
import { randomHex } from '../ids.ts'
import { boolean, integer, object, parseBody } from '../lax-types.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import {
  createResponseFrames,
  failureEvent,
  type ResponseEvent,
  responseEvents,
} from '../responses/events.ts'
import { resolveReferences } from '../responses/item-references.ts'
import {
  parseResponsesRequest,
  responsesError,
  type ResponsesRequest,
  toChatBody,
} from '../responses/request.ts'
import { createDescription, type ResponseObject } from '../responses/response.ts'
import {
  EventLog,
  findResponse,
  type ResponseStore,
  type StoredResponse,
} from '../responses/store.ts'
import type { Route, RouteContext } from '../route.ts'
import { sseResponse } from '../sse.ts'
import { parseChatRequest } from '../validation.ts'
import { type RunningChat, startChat } from './chat-completions.ts'

/** The conversation after a response. Thoughts are not carried on, as in vLLM. */
const withOutput = (items: readonly unknown[], { output }: ResponseObject): readonly unknown[] => [
  ...items,
  ...output.filter((item) => !('type' in item && item.type === 'reasoning')),
]

type Started = {
  readonly request: ResponsesRequest
  readonly items: readonly unknown[]
  readonly events: AsyncIterable<ResponseEvent>
  readonly queued: ResponseObject
}

/** Puts a response into the store when it is complete. */
async function* keep(
  { request, items, events }: Started,
  store: ResponseStore | null,
): AsyncGenerator<ResponseEvent> {
  for await (const event of events) {
    const { type, response } = event
    if (store && request.store !== false && type === 'response.completed' && response) {
      store.put({ response, items: withOutput(items, response), background: null })
    }
    yield event
  }
}

/** The response as the last event tells it. */
const lastResponse = async (events: AsyncIterable<ResponseEvent>): Promise<object> => {
  let last: object = {}
  for await (const { response } of events) last = response ?? last
  return last
}

const runInBackground = async (stored: StoredResponse, log: EventLog, started: Started) => {
  let next = 0
  try {
    for await (const event of started.events) {
      const { response, type, sequence_number: number } = event
      next = number + 1
      if (response) stored.response = response
      if (type === 'response.completed') stored.items = withOutput(started.items, stored.response)
      log.push(event)
    }
  } catch (thrown) {
    const body = toErrorBody(thrown)
    stored.response = { ...stored.response, status: 'failed', ...body }
    log.push(failureEvent(body, next))
  }
  log.end()
}

/** What is read of a log does not stop the response when the reader leaves. */
const streamLog = (context: RouteContext, log: EventLog, from: number): Response =>
  sseResponse(log.read(from), {
    frames: createResponseFrames(),
    abort: () => {},
    signal: context.request.signal,
    onEnd: context.metrics.openStream(),
  })

const checkBackground = (request: ResponsesRequest, store: ResponseStore | null) => {
  if (!request.background || store) return
  throw responsesError(
    'This engine does not support `store=True` and therefore does not support the background ' +
      'mode. To enable these features, set `enableResponsesStore` when creating the engine.',
    'background',
  )
}

const start = async (
  context: RouteContext,
  request: ResponsesRequest,
): Promise<Started & RunningChat> => {
  const { previous_response_id: previousId, max_output_tokens: count } = request
  const earlier = previousId == null ? [] : findResponse(context.responses, previousId).items
  const id = request.request_id ?? `resp_${randomHex(32)}`
  const chat = await startChat(
    context,
    parseChatRequest(toChatBody(request, earlier, id)),
    count == null ? null : { field: 'max_output_tokens', count },
  )
  const { maxModelLen } = context.model.engine
  const describe = createDescription({ id, request, chat, maxModelLen })
  return {
    ...chat,
    request,
    items: [...earlier, ...request.items],
    events: responseEvents(chat.reply, describe, request.toolUse),
    queued: describe({ status: 'queued', output: [], usage: null }),
  }
}

export const createResponse: Route = async (context) => {
  const { metrics, request, responses: store } = context
  const parsed = parseResponsesRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  checkBackground(parsed, store)
  const body = { ...parsed, items: resolveReferences(parsed.items, store) }
  const started = await start(context, body)
  const { queued, choices } = started
  if (body.background && store) {
    const log = new EventLog()
    const stored = {
      response: queued,
      items: started.items,
      background: { log, abort: choices.abort },
    }
    store.put(stored)
    void runInBackground(stored, log, started)
    return body.stream ? streamLog(context, log, 0) : Response.json(queued)
  }
  const events = keep(started, store)
  return respond({
    choices,
    signal: request.signal,
    stream: body.stream ?? false,
    metrics,
    frames: createResponseFrames(),
    chunks: () => events,
    whole: () => lastResponse(events),
  })
}

const idOf = (request: Request): string => {
  const part = new URL(request.url).pathname.split('/')[3] ?? ''
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const querySchema = object({ starting_after: v.nullish(integer), stream: v.nullish(boolean) })

export const retrieveResponse: Route = (context) => {
  const { request, responses: store } = context
  const id = idOf(request)
  const { response, background } = findResponse(store, id)
  const query = parseBody(querySchema, Object.fromEntries(new URL(request.url).searchParams))
  if (!query.stream) return Response.json(response)
  if (!background) throw invalidParameter(`Unknown response_id: ${id}`, 'response_id', id)
  return streamLog(context, background.log, Math.max(query.starting_after ?? -1, -1) + 1)
}

export const cancelResponse: Route = ({ request, responses: store }) => {
  const stored = findResponse(store, idOf(request))
  const { response, background } = stored
  if (!background || !['queued', 'in_progress'].includes(response.status)) {
    throw responsesError('Cannot cancel a synchronous response.', 'response_id')
  }
  stored.response = { ...response, status: 'cancelled' }
  background.abort()
  return Response.json(stored.response)
}
