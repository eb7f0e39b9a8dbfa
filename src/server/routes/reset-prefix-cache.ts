import { conflict } from '../errors.ts'
import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

/** 200 with no body, as in vLLM, once all cached prefixes are forgotten; 409 while blocks are held. */
export const resetPrefixCache: Route<AnyServedModel> = ({ model: { engine } }) => {
  if (engine.resetPrefixCache()) return new Response(null, { status: 200 })
  const { numRunning, numWaiting } = engine.stats()
  throw conflict(
    `The prefix cache was not reset: requests hold its blocks (${numRunning} running, ` +
      `${numWaiting} waiting). Wait for them to end, or abort them, and try again.`,
  )
}
