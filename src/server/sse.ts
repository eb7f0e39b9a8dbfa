import { type ErrorBody, toErrorBody } from './errors.ts'

/** How a protocol writes its stream down. */
export type SseFrames<Chunk extends object = object> = {
  readonly chunk: (chunk: Chunk) => string
  /** Stands in the place of all further chunks. */
  readonly failure: (error: ErrorBody) => string
  /** After the last chunk or the failure. */
  readonly end: string
}

export type SseOptions<Chunk extends object = object> = {
  /** OpenAI's completions unless given. */
  readonly frames?: SseFrames<Chunk>
  /** Frees what the stream stands for. Called when the reader or the signal gives up. */
  readonly abort: () => void
  readonly signal: AbortSignal
  /** Called once when nothing more will be sent, for whatever reason. */
  readonly onEnd: () => void
}

/** JSON as Python's `json.dumps` writes it: vLLM sends the errors of a running stream so. */
const toPythonJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(toPythonJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, entry]) => `${toPythonJson(key)}: ${toPythonJson(entry)}`,
    )
    return `{${entries.join(', ')}}`
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const frame = (data: string): string => `data: ${data}\n\n`

/** A frame that names the kind of its chunk, as in the protocols whose chunks are typed events. */
export const eventFrame = (type: string, data: object): string =>
  `event: ${type}\n${frame(JSON.stringify(data))}`

const completionFrames: SseFrames = {
  chunk: (chunk) => frame(JSON.stringify(chunk)),
  failure: (error) => frame(toPythonJson(error)),
  end: frame('[DONE]'),
}

/**
 * Sends chunks as server-sent events, one frame a chunk. A chunk is made only when the reader has
 * room, so a slow reader gets fewer and longer ones. An error after the first frame can't change the
 * status any more and goes out as a frame of its own.
 */
export const sseResponse = <Chunk extends object>(
  chunks: AsyncIterable<Chunk>,
  options: SseOptions<Chunk>,
): Response => {
  const { abort, signal, onEnd, frames = completionFrames } = options
  const iterator = chunks[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let over = false
  let streamController: ReadableStreamDefaultController | null = null

  const onAbort = () => {
    end()
    abort()
    streamController?.error(signal.reason)
  }
  const end = () => {
    if (!over) onEnd()
    over = true
    signal.removeEventListener('abort', onAbort)
  }

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      streamController = controller
      signal.addEventListener('abort', onAbort)
    },
    async pull(controller) {
      const send = (text: string): boolean => {
        if (text !== '') controller.enqueue(encoder.encode(text))
        return text !== ''
      }
      const finish = () => {
        send(frames.end)
        end()
        controller.close()
      }
      try {
        // A pull that brings nothing is not repeated: chunks without a frame are passed over here.
        for (;;) {
          const next = await iterator.next()
          if (over) return
          if (next.done) return finish()
          if (send(frames.chunk(next.value))) return
        }
      } catch (thrown) {
        if (over) return
        send(frames.failure(toErrorBody(thrown)))
        finish()
      }
    },
    cancel() {
      end()
      abort()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}
