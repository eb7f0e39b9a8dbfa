/**
 * The generator's values, with a `return()` that calls `cancel` at once. A generator's own would
 * first wait for the read that it stands at, and so for a server that may never send another byte.
 */
export const cancellable = <Value>(
  generator: AsyncGenerator<Value>,
  cancel: () => void,
): AsyncIterableIterator<Value> => {
  const end = { done: true as const, value: undefined }
  let cancelled = false
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (cancelled) return end
      try {
        const result = await generator.next()
        return cancelled ? end : result
      } catch (thrown) {
        // What a cancelled read throws is nobody's error.
        if (cancelled) return end
        throw thrown
      }
    },
    async return() {
      cancelled = true
      cancel()
      generator.return(undefined).catch(() => {})
      return end
    },
  }
}
