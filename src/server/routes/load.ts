import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

/** How many requests the engine is at work on, for whoever balances the load. */
export const load: Route<AnyServedModel> = ({ metrics }) =>
  Response.json({ server_load: metrics.load })
