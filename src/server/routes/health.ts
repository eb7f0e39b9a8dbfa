import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

/** 200 with no body while the engine runs, 503 after. */
export const health: Route<AnyServedModel> = ({ model }) => {
  try {
    model.engine.stats()
    return new Response(null, { status: 200 })
  } catch {
    return new Response(null, { status: 503 })
  }
}
