/** Wakes one sleeper. A call to `wake` while nobody sleeps makes the next `sleep` return at once. */
export class WakeSignal {
  #isRaised = false
  #resume: (() => void) | null = null

  wake(): void {
    this.#isRaised = true
    this.#resume?.()
  }

  async sleep(): Promise<void> {
    if (!this.#isRaised) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
    }
    this.#resume = null
    this.#isRaised = false
  }
}

export type EventLoopYield = {
  /** Resolves in a task of its own, after messages that came in before. */
  yieldToEventLoop(): Promise<void>
  close(): void
}

/**
 * A message to oneself: timers are clamped to 4 ms once nested and throttled in background tabs,
 * and `scheduler.yield` is not everywhere (Safari 26 lacks it).
 */
export const createEventLoopYield = (): EventLoopYield => {
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  port1.addEventListener('message', () => waiting.shift()?.())
  port1.start()
  return {
    yieldToEventLoop: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        port2.postMessage(null)
      }),
    close: () => {
      port1.close()
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}
