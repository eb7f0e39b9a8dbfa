import type { ChoiceSet } from './choice-set.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { type SseFrames, sseResponse } from './sse.ts'

export type RespondOptions<Chunk extends object = object> = {
  readonly choices: ChoiceSet
  readonly signal: AbortSignal
  readonly stream: boolean
  readonly metrics: HttpMetrics
  /** The reply in chunks, or whole. One of the two is called, once. */
  readonly chunks: () => AsyncIterable<Chunk>
  readonly whole: () => Promise<object>
  /** OpenAI's completions unless given. */
  readonly frames?: SseFrames<Chunk>
}

/** The work's result, or the signal's reason as soon as it aborts. */
export const unlessAborted = <T>(
  work: Promise<T>,
  signal: AbortSignal,
  abort: () => void,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      abort()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })

/** Sends a running reply, and frees its requests when the client gives up. */
export const respond = async <Chunk extends object>(
  options: RespondOptions<Chunk>,
): Promise<Response> => {
  const { choices, signal, stream, chunks, whole, frames } = options
  if (stream) {
    const onEnd = options.metrics.openStream()
    const { abort } = choices
    return sseResponse(chunks(), { abort, signal, onEnd, ...(frames ? { frames } : {}) })
  }
  return Response.json(await unlessAborted(whole(), signal, choices.abort))
}
