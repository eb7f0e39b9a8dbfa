import { errorResponse } from './errors.ts'
import type { Route } from './route.ts'
import { chatCompletions } from './routes/chat-completions.ts'
import { completions } from './routes/completions.ts'
import { health } from './routes/health.ts'
import { models } from './routes/models.ts'
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
  '/version': { method: 'GET', route: version },
}

/**
 * vLLM's HTTP API for one loaded model, as a function from request to response. It answers every
 * request, failures as OpenAI error JSON; like `fetch` it rejects with the reason of `request.signal`
 * when that aborts before there is an answer.
 */
export const createFetch = (model: ServedModel, options: CreateFetchOptions = {}): FetchHandler => {
  const versionText = options.version ?? '0.0.0'
  return async (request) => {
    const { pathname } = new URL(request.url)
    const endpoint = Object.hasOwn(endpoints, pathname) ? endpoints[pathname] : undefined
    if (!endpoint) return Response.json({ detail: 'Not Found' }, { status: 404 })
    if (request.method !== endpoint.method) {
      const headers = { allow: endpoint.method }
      return Response.json({ detail: 'Method Not Allowed' }, { status: 405, headers })
    }
    try {
      request.signal.throwIfAborted()
      return await endpoint.route({ model, version: versionText, request })
    } catch (thrown) {
      request.signal.throwIfAborted()
      return errorResponse(thrown)
    }
  }
}
