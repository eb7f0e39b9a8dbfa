import { toErrorBody } from './errors.ts'

export type SseOptions = {
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

/**
 * Sends chunks as server-sent events, one frame a chunk, ended by `[DONE]`. A chunk is made only when
 * the reader has room, so a slow reader gets fewer and longer ones. An error after the first frame
 * can't change the status any more and goes out as a frame of its own.
 */
export const sseResponse = (chunks: AsyncIterable<object>, options: SseOptions): Response => {
  const { abort, signal, onEnd } = options
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
      const send = (data: string) => controller.enqueue(encoder.encode(frame(data)))
      const finish = () => {
        send('[DONE]')
        end()
        controller.close()
      }
      try {
        const next = await iterator.next()
        if (over) return
        if (next.done) finish()
        else send(JSON.stringify(next.value))
      } catch (thrown) {
        if (over) return
        send(toPythonJson(toErrorBody(thrown)))
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
