import type { ChoiceSet } from './choice-set.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { sseResponse } from './sse.ts'

export type RespondOptions = {
  readonly choices: ChoiceSet
  readonly signal: AbortSignal
  readonly stream: boolean
  readonly metrics: HttpMetrics
  /** The reply in chunks, or whole. One of the two is called, once. */
  readonly chunks: () => AsyncIterable<object>
  readonly whole: () => Promise<object>
}

/** The work's result, or the signal's reason as soon as it aborts. */
const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal, abort: () => void): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      abort()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })

/** Sends a running reply, and frees its requests when the client gives up. */
export const respond = async (options: RespondOptions): Promise<Response> => {
  const { choices, signal, stream, chunks, whole } = options
  if (stream) {
    const onEnd = options.metrics.openStream()
    return sseResponse(chunks(), { abort: choices.abort, signal, onEnd })
  }
  return Response.json(await unlessAborted(whole(), signal, choices.abort))
}
