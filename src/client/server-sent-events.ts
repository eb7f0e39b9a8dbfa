import { cancellable } from './cancellable.ts'

export type ServerSentEvent = {
  /** `message` where the server names none. */
  readonly event: string
  readonly data: string
}

type Bytes = ReadableStreamDefaultReader<Uint8Array>

/** Lines that end in LF, CR or CRLF, and what stands after the last of them unless it is empty. */
async function* readLines(reader: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let lastIsReturn = false
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const decoded = decoder.decode(chunk.value, { stream: true })
    if (decoded === '') continue
    // The second half of a CRLF, whose first half has ended the line already.
    const text = lastIsReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded
    lastIsReturn = decoded.endsWith('\r')
    const [first = '', ...others] = text.split(/\r\n|\n|\r/)
    rest += first
    for (const line of others) {
      yield rest
      rest = line
    }
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

async function* readEvents(reader: Bytes): AsyncGenerator<ServerSentEvent> {
  let event = ''
  let data: string[] = []
  for await (const line of readLines(reader)) {
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
      event = ''
      data = []
      continue
    }
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') data.push(value)
    else if (name === 'event') event = value
  }
  // The standard drops an event without its empty line, but servers do forget the last one.
  if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
}

/**
 * The events of a `text/event-stream` body, as the HTML standard parses them. Bytes are read only
 * as events are asked for; leaving the loop, or `return()`, cancels the body.
 */
export const readServerSentEvents = (
  body: ReadableStream<Uint8Array>,
): AsyncIterableIterator<ServerSentEvent> => {
  const reader = body.getReader()
  return cancellable(readEvents(reader), () => void reader.cancel().catch(() => {}))
}
