import {
  discard,
  headersFor,
  platformFetch,
  signalOf,
  toRepeatable,
  untilAborted,
  type Endpoint,
  type Fetch,
} from './fetch.ts'
import { tryRequest } from './outcome.ts'

/** What answers first: an engine of `createEngine()`, or anything with a `fetch`. */
export type LocalEngine = {
  readonly fetch: Fetch
  /** Needed for `maxWaiting`. */
  readonly stats?: () => LocalStats | Promise<LocalStats>
}

export type LocalStats = { readonly numWaiting: number }

/** Why a request goes to the other server. */
export type FallbackReason =
  /** The engine is still loading. */
  | { readonly reason: 'loading' }
  /**
   * There is no engine: an EngineError such as `webgpu-unavailable` or `model-too-large` as a rule.
   */
  | { readonly reason: 'unavailable'; readonly error: unknown }
  | { readonly reason: 'busy'; readonly numWaiting: number }
  /** The engine failed before the first byte of its answer: it threw, or said so by its status. */
  | { readonly reason: 'failed'; readonly error?: unknown; readonly status?: number }

export type FallbackOptions = {
  /**
   * The other server takes a request when more than so many wait for the engine. No limit unless
   * given.
   */
  readonly maxWaiting?: number
  /** What becomes of requests while the engine loads: they `wait` unless given. */
  readonly whileLoading?: 'wait' | 'fallback'
  /**
   * The statuses of the engine that count as failures: unless given, those of 500 and above, and 404,
   * the one of models and endpoints that it does not have.
   */
  readonly isFailure?: (status: number) => boolean
  /** Called for each request that goes to the other server. */
  readonly onFallback?: (reason: FallbackReason) => void
}

/**
 * The path from `/v1` on is the same everywhere; paths beside it stand next to the base's last
 * part.
 */
const toRemoteURL = (url: string, baseURL: string): string => {
  const base = baseURL.replace(/\/+$/, '')
  const { pathname, search } = new URL(url)
  const versioned = /\/v1(\/.*)?$/.exec(pathname)
  return versioned
    ? `${base}${versioned[1] ?? ''}${search}`
    : `${base.replace(/\/v1$/, '')}${pathname}${search}`
}

const withModel = (body: string, model: string): string => {
  try {
    const fields: unknown = JSON.parse(body)
    const hasModel = typeof fields === 'object' && fields !== null && !Array.isArray(fields)
    return hasModel ? JSON.stringify({ ...fields, model }) : body
  } catch {
    return body
  }
}

const sendRemote = async (
  remote: Endpoint,
  request: Request,
  signal: AbortSignal | null,
): Promise<Response> => {
  const own = new Headers(request.headers)
  // Keys for the engine are none of the other server's business, and the length may change.
  for (const name of ['authorization', 'x-api-key', 'content-length']) own.delete(name)
  const isJson = own.get('content-type')?.includes('json')
  const bytes = await request.arrayBuffer()
  const body =
    remote.model !== undefined && isJson
      ? withModel(new TextDecoder().decode(bytes), remote.model)
      : bytes
  return (remote.fetch ?? platformFetch)(toRemoteURL(request.url, remote.baseURL), {
    method: request.method,
    headers: headersFor(remote, own),
    signal,
    ...(bytes.byteLength > 0 ? { body } : {}),
  })
}

type Loading =
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly engine: LocalEngine }
  | { readonly state: 'failed'; readonly error: unknown }

/** Follows an engine that may not be there yet, or never. */
const followLoading = (local: LocalEngine | Promise<LocalEngine>) => {
  const followed: { now: Loading; end: Promise<Loading> } = {
    now: { state: 'loading' },
    end: Promise.resolve(local).then(
      (engine) => (followed.now = { state: 'loaded', engine }),
      (error: unknown) => (followed.now = { state: 'failed', error }),
    ),
  }
  return followed
}

/** The engine's answer, or the reason why there is none. */
const askLocal = async (
  engine: LocalEngine,
  request: Request,
  signal: AbortSignal | null,
  options: FallbackOptions,
): Promise<Response | FallbackReason> => {
  const { maxWaiting, isFailure = (status) => status >= 500 || status === 404 } = options
  if (maxWaiting !== undefined && engine.stats) {
    try {
      const { numWaiting } = await untilAborted(Promise.resolve(engine.stats()), signal)
      if (numWaiting > maxWaiting) return { reason: 'busy', numWaiting }
    } catch (error) {
      return { reason: 'failed', error }
    }
  }
  const outcome = await tryRequest(engine.fetch, request, signal)
  if ('error' in outcome) return { reason: 'failed', error: outcome.error }
  if (!isFailure(outcome.status)) return outcome.response
  discard(outcome.response)
  return { reason: 'failed', status: outcome.status }
}

/**
 * Answers with the engine of this page, and by another OpenAI-compatible server (vLLM's, say) where
 * that can't be: there is no engine (no WebGPU, a model that doesn't fit), too many requests wait
 * for it, or it failed before the first byte of its answer. Once a byte has come, an answer stays
 * where it is. The other server gets the same request with its own URL, key and model name; keys
 * that were meant for the engine are not passed on.
 *
 * `local` may be the promise that `createEngine()` returns.
 *
 * @example
 * const fetch = withFallback(createEngine({ model: 'Qwen/Qwen3-0.6B' }), {
 *   baseURL: 'https://vllm.example/v1',
 *   model: 'Qwen/Qwen3-32B',
 * }, { maxWaiting: 4 })
 * const client = new OpenAI({ baseURL: 'http://quire.localhost/v1', apiKey: 'none', fetch })
 */
export const withFallback = (
  local: LocalEngine | Promise<LocalEngine>,
  remote: Endpoint,
  options: FallbackOptions = {},
): Fetch => {
  const loading = followLoading(local)

  const answer = async (
    request: Request,
    signal: AbortSignal | null,
  ): Promise<Response | FallbackReason> => {
    const waits = options.whileLoading !== 'fallback'
    const { now } = loading
    const settled = now.state === 'loading' && waits ? await untilAborted(loading.end, signal) : now
    if (settled.state === 'loading') return { reason: 'loading' }
    if (settled.state === 'failed') return { reason: 'unavailable', error: settled.error }
    return askLocal(settled.engine, request, signal, options)
  }

  return async (input, init) => {
    const signal = signalOf(input, init)
    signal?.throwIfAborted()
    const request = toRepeatable(input, init)
    const answered = await answer(request, signal)
    signal?.throwIfAborted()
    if (answered instanceof Response) return answered
    options.onFallback?.(answered)
    return sendRemote(remote, request, signal)
  }
}
