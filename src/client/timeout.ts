import { fetchUntilAborted, signalOf, type Fetch } from './fetch.ts'
import { watchBody } from './watch-body.ts'

export type TimeoutOptions = {
  /**
   * The longest wait for the response, and then for each next piece of its body. Only waiting
   * counts: a body that nobody reads is not idle.
   */
  readonly idleMs?: number
  /** The longest time from the call to the end of the body. */
  readonly totalMs?: number
}

const createTimer = (ms: number | undefined, onTimeout: () => void) => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = () => clearTimeout(timer)
  const start = () => {
    stop()
    if (ms !== undefined) timer = setTimeout(onTimeout, ms)
  }
  return { start, stop }
}

/**
 * Aborts a request that takes too long, before its response or within its body, with a DOMException
 * named `TimeoutError`, as `AbortSignal.timeout()` does. The caller's signal holds as well. (Where
 * it breaks a body off, the stream tells it; `text()` and `json()` tell a TypeError in Chromium,
 * whatever the reason.)
 */
export const withTimeout =
  (fetch: Fetch, { idleMs, totalMs }: TimeoutOptions): Fetch =>
  async (input, init) => {
    const outer = signalOf(input, init)
    outer?.throwIfAborted()
    const controller = new AbortController()
    const { signal } = controller
    const follow = () => controller.abort(outer?.reason)
    const expire = (text: string) => () => controller.abort(new DOMException(text, 'TimeoutError'))
    const idle = createTimer(idleMs, expire(`Nothing came for ${idleMs} ms.`))
    const total = createTimer(totalMs, expire(`The request took more than ${totalMs} ms.`))
    const release = () => {
      idle.stop()
      total.stop()
      outer?.removeEventListener('abort', follow)
    }
    outer?.addEventListener('abort', follow, { once: true })
    idle.start()
    total.start()
    try {
      const response = await fetchUntilAborted(fetch, input, { ...init, signal })
      idle.stop()
      return watchBody(response, {
        signal,
        onWait: idle.start,
        onBytes: idle.stop,
        onEnd: release,
      })
    } catch (thrown) {
      release()
      throw thrown
    }
  }
