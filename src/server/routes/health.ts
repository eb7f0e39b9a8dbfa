import type { Route } from '../route.ts'

/** 200 with no body while the engine runs, 503 after. */
export const health: Route = ({ model }) => {
  try {
    model.engine.stats()
    return new Response(null, { status: 200 })
  } catch {
    return new Response(null, { status: 503 })
  }
}
