import { EngineError } from '../errors.ts'

export type HttpOptions = {
  readonly fetch: typeof fetch
  readonly signal?: AbortSignal | undefined
  /** Waits between two tries; tests pass one that does not. */
  readonly wait?: ((milliseconds: number) => Promise<void>) | undefined
  /** A body that brings no byte for this long counts as a broken connection. */
  readonly stallMilliseconds?: number | undefined
}

/** GET and HEAD with patience. */
export type Http = {
  /**
   * Any answer below 500 (429 apart); the caller judges it. Tries again after a failed connection or an
   * overloaded server.
   *
   * @throws EngineError `network` after the last try, `aborted`.
   */
  request(url: string, init?: HttpRequest): Promise<Response>
  /** Waits longer after each failure in a row. */
  backOff(failures: number): Promise<void>
  /** The next bytes of a body, null at its end. Throws when none come in time. */
  nextBytes(reader: BodyReader): Promise<Uint8Array | null>
  /** The error for what a body's stream throws while it is read. */
  bodyError(url: string, thrown: unknown): EngineError
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>

export type HttpRequest = {
  readonly method?: 'GET' | 'HEAD'
  /** First and last byte, both included; without the last, to the end. */
  readonly range?: readonly [number, number?]
  readonly tries?: number
}

/** Failures in a row, without a byte between them, after which a transfer gives up. */
export const maxFailures = 5

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

export const createHttp = (options: HttpOptions): Http => {
  const { fetch, signal, wait = sleep, stallMilliseconds = 60_000 } = options
  const failure = (url: string, thrown: unknown): EngineError => {
    if (signal?.aborted) {
      return new EngineError('aborted', `Loading ${url} was aborted.`, { cause: thrown })
    }
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    return new EngineError(
      'network',
      `Could not load ${url}: ${reason}. Check the connection, and that the server is up and lets ` +
        'this page read from it (CORS). Bytes already stored are kept: trying again goes on from there.',
      { details: { url }, cause: thrown },
    )
  }
  const attempt = async (url: string, { method = 'GET', range }: HttpRequest) => {
    // Model files live in OPFS; the browser's HTTP cache would hold them a second time.
    const init: RequestInit = { method, cache: 'no-store', signal: signal ?? null }
    if (range) init.headers = { Range: `bytes=${range[0]}-${range[1] ?? ''}` }
    const response = await fetch(url, init)
    if (response.status < 500 && response.status !== 429) return response
    await response.body?.cancel()
    throw new Error(`the server answered ${response.status} ${response.statusText}`.trimEnd())
  }
  const http: Http = {
    request: async (url, init = {}) => {
      const { tries = maxFailures } = init
      for (let failures = 1; ; failures++) {
        try {
          return await attempt(url, init)
        } catch (thrown) {
          if (signal?.aborted || failures >= tries) throw failure(url, thrown)
          await http.backOff(failures)
        }
      }
    },
    backOff: (failures) => wait(Math.min(8000, 250 * 2 ** failures)),
    nextBytes: async (reader) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      const stalled = new Promise<never>((_resolve, reject) => {
        const problem = new Error(`no bytes came for ${stallMilliseconds / 1000} s`)
        timer = setTimeout(() => reject(problem), stallMilliseconds)
      })
      try {
        const { value } = await Promise.race([reader.read(), stalled])
        return value ?? null
      } finally {
        clearTimeout(timer)
      }
    },
    bodyError: failure,
  }
  return http
}

/**
 * Whether an answer says that there is no such file. Development servers and single-page hosts answer
 * a missing path with their page and status 200.
 */
export const isMissing = (response: Response): boolean =>
  !response.ok || (response.headers.get('content-type') ?? '').includes('text/html')
