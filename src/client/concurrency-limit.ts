import { EngineError } from '../errors.ts'
import { fetchUntilAborted, signalOf, untilAborted, type Fetch } from './fetch.ts'
import { watchBody } from './watch-body.ts'

/**
 * Sends at most `limit` requests at once; the others wait in the order in which they came. A
 * request's place is free again when its body was read to the end or cancelled, it failed, or its
 * signal aborted: read or cancel every body.
 *
 * @throws EngineError `invalid-request` for a limit below 1.
 */
export const withConcurrencyLimit = (fetch: Fetch, limit: number): Fetch => {
  if (!(limit >= 1)) {
    throw new EngineError('invalid-request', `limit is ${limit}. Give a number of at least 1.`)
  }
  let numFree = Math.floor(limit)
  const waiting = new Set<() => void>()

  const take = (signal: AbortSignal | null): Promise<void> => {
    if (numFree > 0) {
      numFree -= 1
      return Promise.resolve()
    }
    let start: (() => void) | undefined
    const turn = new Promise<void>((resolve) => (start = resolve))
    const begin = () => start?.()
    waiting.add(begin)
    return untilAborted(turn, signal, () => {
      // Its turn may have come in the same moment.
      if (!waiting.delete(begin)) giveBack()
    })
  }
  const giveBack = () => {
    const [next] = waiting
    if (!next) numFree += 1
    else {
      waiting.delete(next)
      next()
    }
  }

  return async (input, init) => {
    const signal = signalOf(input, init)
    signal?.throwIfAborted()
    await take(signal)
    try {
      const response = await fetchUntilAborted(fetch, input, { ...init, signal })
      return watchBody(response, { signal, onEnd: giveBack })
    } catch (thrown) {
      giveBack()
      throw thrown
    }
  }
}
