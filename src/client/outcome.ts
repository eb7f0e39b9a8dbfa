import { fetchUntilAborted, type Fetch } from './fetch.ts'
import { statusInBody } from './server-error.ts'
import { replaceBody, watchBody } from './watch-body.ts'

/** What came of a request by the time that its first byte could go to the caller. */
export type Outcome =
  | {
      readonly response: Response
      /** The response's, or what the first event of its stream says instead. */
      readonly status: number
      /** The wait that the server asks for, in milliseconds. */
      readonly retryAfterMs: number | null
    }
  | { readonly error: unknown }

type Start = { readonly chunks: readonly Uint8Array<ArrayBuffer>[]; readonly status: number | null }

/**
 * The status of the error that a stream's first event is: null if it is none, undefined while it
 * isn't all there.
 */
const statusInFirstEvent = (text: string): number | null | undefined => {
  const data = /(?:^|[\r\n])data: ?([^\r\n]*)[\r\n]/.exec(text)?.[1]
  if (data === undefined) return undefined
  try {
    const { error }: { error?: unknown } = JSON.parse(data)
    return error ? (statusInBody(error) ?? 500) : null
  } catch {
    return null
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>

/**
 * Reads the first bytes; of a stream, up to its first data, which may be an error and nothing else.
 */
const readStart = async (reader: Reader, isStream: boolean): Promise<Start> => {
  const decoder = new TextDecoder()
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { chunks, status: null }
    chunks.push(value)
    if (!isStream) return { chunks, status: null }
    text += decoder.decode(value, { stream: true })
    const status = statusInFirstEvent(text)
    if (status !== undefined) return { chunks, status }
  }
}

/** The chunks, and what the reader gives after them. */
const replay = (chunks: readonly Uint8Array<ArrayBuffer>[], reader: Reader) => {
  const waiting = [...chunks]
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const chunk = waiting.shift() ?? (await reader.read()).value
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** Retry-After is a number of seconds or a date; some servers give milliseconds of their own. */
const readRetryAfter = (headers: Headers): number | null => {
  const ms = headers.get('retry-after-ms')
  if (ms !== null && Number.isFinite(Number(ms))) return Math.max(0, Number(ms))
  const text = headers.get('retry-after')
  if (text === null) return null
  const seconds = Number(text)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now())
}

/**
 * Sends a request and waits for the first bytes of its answer: until then it may be sent again or
 * elsewhere, and the caller sees nothing of it. The request itself stays unsent, for the next time.
 */
export const tryRequest = async (
  fetch: Fetch,
  request: Request,
  signal: AbortSignal | null,
): Promise<Outcome> => {
  try {
    const answer = await fetchUntilAborted(fetch, request.clone(), { signal })
    const response = watchBody(answer, { signal })
    const retryAfterMs = readRetryAfter(response.headers)
    if (!response.ok || !response.body) return { response, status: response.status, retryAfterMs }
    const reader = response.body.getReader()
    const type = response.headers.get('content-type')
    const start = await readStart(reader, type?.startsWith('text/event-stream') ?? false)
    const replayed = replaceBody(response, replay(start.chunks, reader))
    return { response: replayed, status: start.status ?? response.status, retryAfterMs }
  } catch (error) {
    return { error }
  }
}
