/**
 * The shape of `fetch`: what every function of this folder takes and returns, so that they compose.
 */
export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

/** An OpenAI-compatible server. An engine of `createEngine()` is one. */
export type Endpoint = {
  /** Up to `/v1`, as OpenAI's clients want it. */
  readonly baseURL: string
  /** The platform's unless given. */
  readonly fetch?: Fetch
  /** Sent as `Authorization: Bearer`. */
  readonly apiKey?: string
  readonly model?: string
  /** Sent with every request. */
  readonly headers?: HeadersInit
}

/** The platform's own, called in the way that browsers insist on: as a method of nothing else. */
export const platformFetch: Fetch = (input, init) => globalThis.fetch(input, init)

/** What every request to the endpoint carries, besides headers of its own. */
export const headersFor = (endpoint: Endpoint, own: HeadersInit): Headers => {
  const headers = new Headers(own)
  for (const [name, value] of new Headers(endpoint.headers)) headers.set(name, value)
  if (endpoint.apiKey !== undefined) headers.set('authorization', `Bearer ${endpoint.apiKey}`)
  return headers
}

/** The signal that a call to `fetch` hands in. */
export const signalOf = (input: RequestInfo | URL, init?: RequestInit): AbortSignal | null =>
  init?.signal ?? (input instanceof Request ? input.signal : null)

/**
 * The request, to be cloned for each time it is sent. It doesn't follow the caller's signal:
 * whoever sends it says which signal holds.
 */
export const toRepeatable = (input: RequestInfo | URL, init?: RequestInit): Request =>
  new Request(input, { ...init, signal: null })

/** Frees what an unwanted response holds. */
export const discard = (response: Response): void => {
  response.body?.cancel().catch(() => {})
}

/**
 * Sends the request, and rejects with the signal's reason as soon as that aborts, even if `fetch`
 * doesn't heed signals; its late response is freed then.
 */
export const fetchUntilAborted = async (
  fetch: Fetch,
  input: RequestInfo | URL,
  init: RequestInit & { readonly signal: AbortSignal | null },
): Promise<Response> => {
  const { signal } = init
  signal?.throwIfAborted()
  const response = fetch(input, init)
  return untilAborted(response, signal, () => void response.then(discard, () => {}))
}

/** `promise`, or a rejection with the signal's reason where that aborts first. */
export const untilAborted = <Value>(
  promise: Promise<Value>,
  signal: AbortSignal | null,
  onAbort?: () => void,
): Promise<Value> => {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => {
      onAbort?.()
      reject(signal.reason)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}

/** Waits, or rejects with the signal's reason. */
export const sleep = (ms: number, signal: AbortSignal | null): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const slept = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  return untilAborted(slept, signal, () => clearTimeout(timer))
}
