import { modelNotFound } from './errors.ts'
import type { HttpMetrics } from './http-metrics.ts'
import type { ResponseStore } from './responses/store.ts'
import type { AnyServedModel, ServedModel } from './served-model.ts'

export type RouteContext<Model extends AnyServedModel = ServedModel> = {
  readonly model: Model
  readonly version: string
  readonly metrics: HttpMetrics
  /** Null where responses are not kept. */
  readonly responses: ResponseStore | null
  readonly request: Request
}

/** Answers one endpoint. What it throws becomes an error response. */
export type Route<Model extends AnyServedModel = ServedModel> = (
  context: RouteContext<Model>,
) => Response | Promise<Response>

/** @throws EngineError 404 for the name of another model; no name at all is fine, as in vLLM. */
export const checkModelName = (
  { model }: RouteContext<AnyServedModel>,
  request: { readonly model?: string | null | undefined },
): void => {
  if (request.model && request.model !== model.id) throw modelNotFound(request.model)
}
