import { asAnthropic } from './anthropic/errors.ts'
import { isAuthorized, unauthorized } from './authorization.ts'
import { errorResponse, notForThisModel } from './errors.ts'
import { HttpMetrics } from './http-metrics.ts'
import { randomHex } from './ids.ts'
import { ResponseStore } from './responses/store.ts'
import type { Route, RouteContext } from './route.ts'
import { batchChatCompletions } from './routes/batch-chat-completions.ts'
import { chatCompletions } from './routes/chat-completions.ts'
import { completions } from './routes/completions.ts'
import { countTokens } from './routes/count-tokens.ts'
import { detokenize } from './routes/detokenize.ts'
import { embeddings } from './routes/embeddings.ts'
import { health } from './routes/health.ts'
import { invocations } from './routes/invocations.ts'
import { load } from './routes/load.ts'
import { messages } from './routes/messages.ts'
import { metrics } from './routes/metrics.ts'
import { models } from './routes/models.ts'
import { resetPrefixCache } from './routes/reset-prefix-cache.ts'
import { cancelResponse, createResponse, retrieveResponse } from './routes/responses.ts'
import { tokenize } from './routes/tokenize.ts'
import { version } from './routes/version.ts'
import type { AnyServedModel, ServedPoolingModel } from './served-model.ts'

export type FetchHandler = (request: Request) => Promise<Response>

export type CreateFetchOptions = {
  /** What `GET /version` answers and replies' fingerprints hold. */
  readonly version?: string
  /** Requests to `/v1` must carry it as `Authorization: Bearer`; without one all are answered. */
  readonly apiKey?: string
  /** vLLM's `--enable-request-id-headers`: answers carry the `X-Request-Id` of their request. */
  readonly enableRequestIdHeaders?: boolean
  /** vLLM's VLLM_ENABLE_RESPONSES_API_STORE: keeps responses, so that they can be gone on with. */
  readonly enableResponsesStore?: boolean
}

type Endpoint = Partial<Record<'GET' | 'POST', Route<AnyServedModel>>>

const ofGenerator =
  (api: string, route: Route): Route<AnyServedModel> =>
  ({ model, ...context }) => {
    if (model.task !== 'generate') throw notForThisModel(api)
    return context.metrics.whileAnswering(() => route({ ...context, model }))
  }

const ofEmbedder =
  (api: string, route: Route<ServedPoolingModel>): Route<AnyServedModel> =>
  ({ model, ...context }) => {
    if (model.task !== 'embed') throw notForThisModel(api)
    return context.metrics.whileAnswering(() => route({ ...context, model }))
  }

const chat = ofGenerator('Chat Completions API', chatCompletions)
const complete = ofGenerator('Completions API', completions)
const embed = ofEmbedder('Embeddings API', embeddings)

const endpoints: Readonly<Record<string, Endpoint>> = {
  '/v1/chat/completions': { POST: chat },
  '/v1/chat/completions/batch': {
    POST: ofGenerator('Chat Completions API', batchChatCompletions),
  },
  '/v1/completions': { POST: complete },
  '/v1/embeddings': { POST: embed },
  '/v1/messages': { POST: asAnthropic(ofGenerator('Messages API', messages)) },
  '/v1/messages/count_tokens': { POST: asAnthropic(ofGenerator('Messages API', countTokens)) },
  '/v1/models': { GET: models },
  '/v1/responses': { POST: ofGenerator('Responses API', createResponse) },
  '/v1/responses/{response_id}': { GET: ofGenerator('Responses API', retrieveResponse) },
  '/v1/responses/{response_id}/cancel': { POST: ofGenerator('Responses API', cancelResponse) },
  '/detokenize': { POST: detokenize },
  '/health': { GET: health },
  '/invocations': { POST: invocations({ chat, complete, embed }) },
  '/load': { GET: load },
  '/metrics': { GET: metrics },
  '/ping': { GET: health, POST: health },
  '/reset_prefix_cache': { POST: resetPrefixCache },
  '/tokenize': { POST: tokenize },
  '/version': { GET: version },
}

/** A key of the endpoints, if there is one for the request. A slash at the end makes no difference. */
const pathOf = (request: Request): string =>
  new URL(request.url).pathname
    .replace(/(?<=.)\/$/, '')
    .replace(/^(\/v1\/responses)\/[^/]+/, '$1/{response_id}')

const endpointOf = (request: Request): Endpoint | undefined => {
  const path = pathOf(request)
  return Object.hasOwn(endpoints, path) ? endpoints[path] : undefined
}

const isMethod = (endpoint: Endpoint, method: string): method is keyof Endpoint =>
  Object.hasOwn(endpoint, method)

/** Clients that know no `detail` show the status text. */
const refuse = (status: number, detail: string, headers: HeadersInit = {}): Response =>
  Response.json({ detail }, { status, statusText: detail, headers })

const answer = async (context: RouteContext<AnyServedModel>): Promise<Response> => {
  const { request } = context
  const endpoint = endpointOf(request)
  if (!endpoint) return refuse(404, 'Not Found')
  const route = isMethod(endpoint, request.method) ? endpoint[request.method] : undefined
  if (!route) {
    return refuse(405, 'Method Not Allowed', { allow: Object.keys(endpoint).join(', ') })
  }
  try {
    request.signal.throwIfAborted()
    return await route(context)
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
export const createFetch = (
  model: AnyServedModel,
  options: CreateFetchOptions = {},
): FetchHandler => {
  const { version: versionText = '0.0.0', apiKey, enableRequestIdHeaders = false } = options
  const counts = new HttpMetrics()
  const responses = options.enableResponsesStore ? new ResponseStore() : null
  const answerOrRefuse = async (request: Request): Promise<Response> =>
    apiKey !== undefined && !isAuthorized(request, apiKey)
      ? unauthorized()
      : answer({ model, version: versionText, metrics: counts, responses, request })
  return async (request) => {
    // Paths that clients make up would grow the metrics without bound.
    const path = endpointOf(request) ? pathOf(request) : 'other'
    try {
      const response = await answerOrRefuse(request)
      counts.countRequest({ path, status: String(response.status) })
      if (enableRequestIdHeaders) {
        response.headers.set('x-request-id', request.headers.get('x-request-id') ?? randomHex(32))
      }
      return response
    } catch (thrown) {
      counts.countRequest({ path, status: 'aborted' })
      throw thrown
    }
  }
}
