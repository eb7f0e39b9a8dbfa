import { writeMetrics } from '../metrics.ts'
import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

export const metrics: Route<AnyServedModel> = ({ model, metrics: http }) =>
  new Response(writeMetrics(model.engine.stats(), http, model.id), {
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  })
