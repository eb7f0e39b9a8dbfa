import { modelNotFound } from './errors.ts'
import type { HttpMetrics } from './http-metrics.ts'
import type { ServedModel } from './served-model.ts'
import type { CommonRequest } from './validation.ts'

export type RouteContext = {
  readonly model: ServedModel
  readonly version: string
  readonly metrics: HttpMetrics
  readonly request: Request
}

/** Answers one endpoint. What it throws becomes an error response. */
export type Route = (context: RouteContext) => Response | Promise<Response>

/** @throws EngineError 404 for the name of another model; no name at all is fine, as in vLLM. */
export const checkModelName = ({ model }: RouteContext, request: CommonRequest): void => {
  if (request.model && request.model !== model.id) throw modelNotFound(request.model)
}
