import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FetchHandler } from '../server/create-fetch.ts'

// What a request says of its host plays no part in the answer.
const origin = 'http://quire.localhost'

/** The body as it comes in. Nothing is read before somebody asks: Node discards what nobody wanted. */
const readBody = (incoming: IncomingMessage): ReadableStream<Uint8Array> => {
  let chunks: AsyncIterator<Uint8Array> | null = null
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= incoming[Symbol.asyncIterator]()
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
}

const headersOf = ({ rawHeaders }: IncomingMessage): Headers => {
  const headers = new Headers()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at]!, rawHeaders[at + 1]!)
  }
  return headers
}

/** @throws TypeError for a target or a method that `Request` does not take. */
const toRequest = (incoming: IncomingMessage, signal: AbortSignal): Request => {
  const { url: target = '/', method = 'GET' } = incoming
  const hasBody = method !== 'GET' && method !== 'HEAD'
  // A proxy's clients send the whole URL, and `//` would begin a host.
  const url = target.startsWith('/') ? `${origin}${target}` : target
  return new Request(url, {
    method,
    headers: headersOf(incoming),
    signal,
    ...(hasBody ? { body: readBody(incoming), duplex: 'half' } : {}),
  })
}

/** Resolves when more may be written, or nothing any more. */
const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })

const sendBody = async (
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
): Promise<void> => {
  const reader = body.getReader()
  // Not left to the request's signal: Node links it to its source only while the request is in use.
  outgoing.on('close', () => void reader.cancel().catch(() => undefined))
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (!outgoing.write(value) && !outgoing.destroyed) await drained(outgoing)
  }
}

const send = async (response: Response, outgoing: ServerResponse): Promise<void> => {
  outgoing.writeHead(response.status, [...response.headers].flat())
  // Before the first token is there, the client learns that it will come.
  outgoing.flushHeaders()
  if (outgoing.req.method === 'HEAD') await response.body?.cancel()
  else if (response.body) await sendBody(response.body, outgoing)
  outgoing.end()
}

const badRequest = () =>
  Response.json({ detail: 'Invalid HTTP request received.' }, { status: 400 })

const internalError = (thrown: unknown) =>
  Response.json(
    { error: { message: String(thrown), type: 'InternalServerError', param: null, code: 500 } },
    { status: 500 },
  )

/**
 * A handler of requests as a listener of `node:http`. Bodies stream both ways at the pace of their
 * readers. A connection that closes before the answer is complete aborts the request's signal and
 * cancels the answer's body.
 */
export const createListener =
  (handle: FetchHandler) =>
  async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const client = new AbortController()
    let request: Request
    try {
      request = toRequest(incoming, client.signal)
    } catch {
      return send(badRequest(), outgoing)
    }
    outgoing.on('close', () => {
      // Naming the request here keeps it, and with it what links the two signals, from collection.
      if (!outgoing.writableFinished && !request.signal.aborted) client.abort()
    })
    try {
      await send(await handle(request), outgoing)
    } catch (thrown) {
      if (client.signal.aborted) return
      // The status is out: cutting the answer short is all that can still tell of the failure.
      if (outgoing.headersSent) outgoing.destroy()
      else await send(internalError(thrown), outgoing)
    }
  }
