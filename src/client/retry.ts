import { EngineError } from '../errors.ts'
import { discard, signalOf, sleep, toRepeatable, type Fetch } from './fetch.ts'
import { tryRequest, type Outcome } from './outcome.ts'

export type RetryEvent = {
  /** 1 for the first retry. */
  readonly retry: number
  readonly delayMs: number
  readonly status?: number
  readonly error?: unknown
}

export type RetryOptions = {
  /** 2 unless given. */
  readonly maxRetries?: number
  /** The longest first wait, which doubles each time: 500 ms unless given. */
  readonly minDelayMs?: number
  /** The longest wait of our own choice: 8 seconds unless given. */
  readonly maxDelayMs?: number
  /** The longest wait that a server may ask for; who asks for more is not tried again. A minute. */
  readonly maxRetryAfterMs?: number
  /** In place of {@link isRetryableStatus}. */
  readonly isRetryableStatus?: (status: number) => boolean
  /** In place of {@link isRetryableError}. */
  readonly isRetryableError?: (error: unknown) => boolean
  readonly onRetry?: (event: RetryEvent) => void
}

/**
 * Timeouts, conflicts, too many requests, and failures of a server other than that it can't do a
 * thing.
 */
export const isRetryableStatus = (status: number): boolean =>
  [408, 409, 429].includes(status) || (status >= 500 && status !== 501)

/**
 * What `fetch` throws when a server can't be reached, a timeout, and EngineErrors of the network.
 */
export const isRetryableError = (error: unknown): boolean =>
  error instanceof TypeError ||
  (error instanceof DOMException && error.name === 'TimeoutError') ||
  (error instanceof EngineError && error.code === 'network')

/** Full jitter: clients that failed together do not come back together. */
const backoff = (retry: number, { minDelayMs = 500, maxDelayMs = 8000 }: RetryOptions): number =>
  Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** (retry - 1))

/** How long to wait before the request is sent again; null where this is how it ended. */
const delayBefore = (retry: number, outcome: Outcome, options: RetryOptions): number | null => {
  const { maxRetries = 2, maxRetryAfterMs = 60_000 } = options
  const isRetryable =
    'error' in outcome
      ? (options.isRetryableError ?? isRetryableError)(outcome.error)
      : (options.isRetryableStatus ?? isRetryableStatus)(outcome.status)
  if (retry > maxRetries || !isRetryable) return null
  const asked = 'error' in outcome ? null : outcome.retryAfterMs
  if (asked !== null && asked > maxRetryAfterMs) return null
  return asked ?? backoff(retry, options)
}

const describe = (outcome: Outcome): Pick<RetryEvent, 'status' | 'error'> =>
  'error' in outcome ? { error: outcome.error } : { status: outcome.status }

/**
 * Sends a request again when it failed in a way that may pass: see {@link isRetryableError} and
 * {@link isRetryableStatus}. It waits as long as the server's `Retry-After` says, else for a random
 * part of a time that doubles. A response comes out when its first bytes are there (of an event
 * stream, its first data), and from then on nothing is sent again. The last failure comes out as it
 * is, whether response or error. Aborting the signal ends a wait at once.
 *
 * @example
 * const patient = withRetry(withTimeout(fetch, { idleMs: 30_000 }), { maxRetries: 4 })
 */
export const withRetry =
  (fetch: Fetch, options: RetryOptions = {}): Fetch =>
  async (input, init) => {
    const signal = signalOf(input, init)
    const request = toRepeatable(input, init)
    for (let retry = 1; ; retry++) {
      const outcome = await tryRequest(fetch, request, signal)
      signal?.throwIfAborted()
      const delayMs = delayBefore(retry, outcome, options)
      if (delayMs === null) {
        if ('error' in outcome) throw outcome.error
        return outcome.response
      }
      if ('response' in outcome) discard(outcome.response)
      options.onRetry?.({ retry, delayMs, ...describe(outcome) })
      await sleep(delayMs, signal)
    }
  }
