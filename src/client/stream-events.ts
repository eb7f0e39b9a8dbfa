import { EngineError, quote } from '../errors.ts'
import { cancellable } from './cancellable.ts'
import { createChoiceReader, type ChoiceEvent, type ChunkChoice } from './choice-reader.ts'
import { readServerSentEvents } from './server-sent-events.ts'
import { statusInBody, toServerError } from './server-error.ts'
import { readText, watchBody } from './watch-body.ts'

/** Token counts as the server gives them. */
export type Usage = {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly [field: string]: unknown
}

export type StreamEvent =
  | ChoiceEvent
  /** May come several times, each with the counts so far. */
  | { readonly type: 'usage'; readonly usage: Usage }
  /**
   * The server failed or refused. Always the last event. `error.details.status` is the HTTP status.
   */
  | { readonly type: 'error'; readonly error: EngineError }

/** A chunk of a stream, or a whole answer: its choices have a `message` instead of a `delta`. */
type Chunk = {
  readonly choices?: readonly ChunkChoice[] | null
  readonly usage?: Usage | null
  readonly error?: unknown
}

const parseChunk = (data: string): Chunk => {
  try {
    const chunk: unknown = JSON.parse(data)
    if (typeof chunk === 'object' && chunk !== null) return chunk
  } catch {
    // Told below.
  }
  throw new EngineError('network', `The server sent what is no chunk of an answer: ${quote(data)}.`)
}

/** The error in a body of a failed request. */
const readError = async (response: Response): Promise<EngineError> => {
  const text = await readText(response)
  try {
    const body = JSON.parse(text) as { error?: unknown; detail?: unknown } | null
    return toServerError(body?.error ?? body?.detail ?? body, response.status)
  } catch {
    return toServerError(text || response.statusText, response.status)
  }
}

/** Each chunk, and whether the server said that nothing is left out. */
async function* readChunks(response: Response): AsyncGenerator<Chunk, boolean> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  if (!isStream || !response.body) {
    yield parseChunk(await readText(response))
    return true
  }
  for await (const { data } of readServerSentEvents(response.body)) {
    if (data === '[DONE]') return true
    yield parseChunk(data)
  }
  return false
}

const endedEarly = () =>
  new EngineError('network', 'The answer broke off: the server closed the stream before its end.')

async function* readEvents(source: Promise<Response>): AsyncGenerator<StreamEvent> {
  const response = await source
  if (!response.ok) {
    yield { type: 'error', error: await readError(response) }
    return
  }
  const choices = new Map<number, ReturnType<typeof createChoiceReader>>()
  const chunks = readChunks(response)
  try {
    for (;;) {
      const { done: isEnd, value } = await chunks.next()
      if (isEnd) {
        const open = [...choices.values()].filter((choice) => !choice.isDone())
        if (!value && (open.length > 0 || choices.size === 0)) throw endedEarly()
        for (const choice of open) yield* choice.finish(null, null)
        return
      }
      if (value.error) {
        yield { type: 'error', error: toServerError(value.error, statusInBody(value.error) ?? 500) }
        return
      }
      for (const choice of value.choices ?? []) {
        const index = choice.index ?? 0
        const reader = choices.get(index) ?? createChoiceReader(index)
        choices.set(index, reader)
        yield* reader.read(choice)
      }
      if (value.usage) yield { type: 'usage', usage: value.usage }
    }
  } finally {
    await chunks.return(false)
  }
}

/**
 * What a chat completion (or a completion) does, event by event, whether the server streams it or
 * sends it whole. Bytes are read only as events are asked for. Leaving the loop, or `return()`,
 * cancels the body, which ends the request at the server.
 *
 * What the server itself says of a failure is an `error` event. A request that could not be sent or
 * was aborted, a broken connection and an answer that breaks off reject instead, the last with an
 * EngineError `network`.
 *
 * @example
 * for await (const event of streamEvents(engine.fetch(url, init))) {
 *   if (event.type === 'content') show(event.text)
 * }
 */
export const streamEvents = (
  source: Response | PromiseLike<Response>,
): AsyncIterableIterator<StreamEvent> => {
  const cancelling = new AbortController()
  const response = Promise.resolve(source).then((response) =>
    watchBody(response, { signal: cancelling.signal }),
  )
  // A rejection waits for whoever asks for the first event.
  response.catch(() => {})
  return cancellable(readEvents(response), () => cancelling.abort())
}
