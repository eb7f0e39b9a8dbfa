import type { FetchHandler } from '../server/create-fetch.ts'

const methods = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'
/** Seconds for which a browser need not ask again. */
const maxAge = '600'

const isPreflight = ({ method, headers }: Request): boolean =>
  method === 'OPTIONS' && headers.has('access-control-request-method')

const preflight = ({ headers }: Request, allowed: string | null): Response => {
  if (allowed === null) return new Response('Disallowed CORS origin', { status: 400 })
  return new Response('OK', {
    headers: {
      'access-control-allow-methods': methods,
      'access-control-max-age': maxAge,
      // A wildcard would not cover `Authorization`.
      'access-control-allow-headers': headers.get('access-control-request-headers') ?? '',
    },
  })
}

/**
 * Lets pages of other origins use a handler, as vLLM's `--allowed-origins` does.
 *
 * @param allowedOrigins Origins such as `https://example.com`, or `*` for all.
 */
export const withCors = (handle: FetchHandler, allowedOrigins: readonly string[]): FetchHandler => {
  const allowsAll = allowedOrigins.includes('*')
  return async (request) => {
    const origin = request.headers.get('origin')
    if (origin === null) return handle(request)
    const isAllowed = allowsAll || allowedOrigins.includes(origin)
    const allowed = isAllowed ? (allowsAll ? '*' : origin) : null
    const answer = isPreflight(request) ? preflight(request, allowed) : await handle(request)
    // A copy: the headers of an answer that was fetched from another server can't be changed.
    const response = new Response(answer.body, answer)
    if (allowed !== null) response.headers.set('access-control-allow-origin', allowed)
    // A cache must not give one origin's answer to another.
    if (!allowsAll) response.headers.append('vary', 'Origin')
    return response
  }
}
