import { errorResponse } from './errors.ts'
import { HttpMetrics } from './http-metrics.ts'
import type { Route, RouteContext } from './route.ts'
import { chatCompletions } from './routes/chat-completions.ts'
import { completions } from './routes/completions.ts'
import { health } from './routes/health.ts'
import { metrics } from './routes/metrics.ts'
import { models } from './routes/models.ts'
import { resetPrefixCache } from './routes/reset-prefix-cache.ts'
import { version } from './routes/version.ts'
import type { ServedModel } from './served-model.ts'

export type FetchHandler = (request: Request) => Promise<Response>

export type CreateFetchOptions = {
  /** What `GET /version` answers and replies' fingerprints hold. */
  readonly version?: string
}

type Endpoint = { readonly method: 'GET' | 'POST'; readonly route: Route }

const endpoints: Readonly<Record<string, Endpoint>> = {
  '/v1/chat/completions': { method: 'POST', route: chatCompletions },
  '/v1/completions': { method: 'POST', route: completions },
  '/v1/models': { method: 'GET', route: models },
  '/health': { method: 'GET', route: health },
  '/metrics': { method: 'GET', route: metrics },
  '/reset_prefix_cache': { method: 'POST', route: resetPrefixCache },
  '/version': { method: 'GET', route: version },
}

const endpointOf = (request: Request): Endpoint | undefined => {
  const { pathname } = new URL(request.url)
  return Object.hasOwn(endpoints, pathname) ? endpoints[pathname] : undefined
}

const answer = async (context: RouteContext): Promise<Response> => {
  const { request } = context
  const endpoint = endpointOf(request)
  if (!endpoint) return Response.json({ detail: 'Not Found' }, { status: 404 })
  if (request.method !== endpoint.method) {
    const headers = { allow: endpoint.method }
    return Response.json({ detail: 'Method Not Allowed' }, { status: 405, headers })
  }
  try {
    request.signal.throwIfAborted()
    return await endpoint.route(context)
  } catch (thrown) {
    request.signal.throwIfAborted()
    return errorResponse(thrown)
  }
}

/**
 * vLLM's HTTP API for one loaded model, as a function from request to response. It answers every
 * request, failures as OpenAI error JSON; like `fetch` it rejects with the reason of `request.signal`
 * when that aborts before there is an answer.
 */
export const createFetch = (model: ServedModel, options: CreateFetchOptions = {}): FetchHandler => {
  const versionText = options.version ?? '0.0.0'
  const counts = new HttpMetrics()
  return async (request) => {
    // Paths that clients make up would grow the metrics without bound.
    const path = endpointOf(request) ? new URL(request.url).pathname : 'other'
    try {
      const response = await answer({ model, version: versionText, metrics: counts, request })
      counts.countRequest({ path, status: String(response.status) })
      return response
    } catch (thrown) {
      counts.countRequest({ path, status: 'aborted' })
      throw thrown
    }
  }
}
