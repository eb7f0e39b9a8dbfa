/** How a body ended: read to its end, broken off by an error, or given up by its reader. */
export type BodyEnd = 'complete' | 'failed' | 'cancelled'

export type BodyWatch = {
  /** Breaks the body off, whether it is being read or not. */
  readonly signal?: AbortSignal | null
  /** The reader waits for bytes. */
  readonly onWait?: () => void
  /** The wait is over. */
  readonly onBytes?: () => void
  /** Called once. */
  readonly onEnd?: (end: BodyEnd) => void
}

/** The same response with another body. */
export const replaceBody = (
  response: Response,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): Response => {
  const replaced = new Response(body, response)
  // The constructor takes no URL, and clients show it in their logs.
  return Object.defineProperty(replaced, 'url', { value: response.url })
}

/**
 * The same response, whose body tells what becomes of it. Bytes are pulled only as they are read.
 */
export const watchBody = (response: Response, watch: BodyWatch): Response => {
  const { signal } = watch
  if (!response.body) {
    watch.onEnd?.('complete')
    return response
  }
  const reader = response.body.getReader()
  let open = true
  let controller: ReadableStreamDefaultController | null = null
  const end = (how: BodyEnd) => {
    open = false
    signal?.removeEventListener('abort', abort)
    watch.onEnd?.(how)
  }
  const abort = () => {
    controller?.error(signal?.reason)
    reader.cancel(signal?.reason).catch(() => {})
    end('failed')
  }
  const start = (started: ReadableStreamDefaultController) => {
    controller = started
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  }
  const pull = async (controller: ReadableStreamDefaultController) => {
    watch.onWait?.()
    try {
      const { done, value } = await reader.read()
      if (!open) return
      watch.onBytes?.()
      if (!done) return controller.enqueue(value)
      end('complete')
      controller.close()
    } catch (thrown) {
      if (!open) return
      end('failed')
      throw thrown
    }
  }
  const cancel = (reason: unknown) => {
    end('cancelled')
    return reader.cancel(reason)
  }
  return replaceBody(response, new ReadableStream({ start, pull, cancel }, { highWaterMark: 0 }))
}

/**
 * The body as text. In Chromium, `text()` gives a TypeError of its own for any reason that a body
 * breaks for.
 */
export const readText = async ({ body }: Response): Promise<string> => {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
    text += decoder.decode(chunk.value, { stream: true })
  }
  return text + decoder.decode()
}
