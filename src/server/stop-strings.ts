export type StopStrings = {
  /**
   * Takes the text of one token and returns what can be shown. `matched` is the stop string that
   * the text so far ends the answer with; no more may be pushed then. An unarmed push is not
   * looked at, as vLLM does for the first `min_tokens` tokens.
   */
  push(text: string, armed: boolean): { readonly text: string; readonly matched: string | null }
  /** What is still held back when the answer ends for another reason. */
  flush(): string
}

type Match = { readonly start: number; readonly stop: string }

/** The first stop string that ends within the characters from `newFrom` on. */
const findStop = (text: string, stops: readonly string[], newFrom: number): Match | null => {
  let first: Match | null = null
  for (const stop of stops) {
    const start = text.indexOf(stop, Math.max(0, newFrom - stop.length + 1))
    if (start >= 0 && (first === null || start < first.start)) first = { start, stop }
  }
  return first
}

/** Length of the longest end of `text` that a stop string may continue. */
const possibleStart = (text: string, stops: readonly string[]): number => {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1))
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.length > length && stop.startsWith(end))) return length
  }
  return 0
}

/**
 * Finds stop strings in text that arrives in pieces. Text that may be the beginning of a stop string
 * is held back, unless the stop string itself is to be shown.
 */
export const createStopStrings = (
  stops: readonly string[],
  options: { readonly includeInOutput: boolean },
): StopStrings => {
  const lookBehind = Math.max(0, ...stops.map((stop) => stop.length - 1))
  let window = ''
  let numShown = 0

  const show = (end: number): string => {
    const shown = window.slice(numShown, end)
    numShown = Math.max(numShown, end)
    const numDropped = Math.min(numShown, Math.max(0, window.length - lookBehind))
    window = window.slice(numDropped)
    numShown -= numDropped
    return shown
  }

  return {
    push(text, armed) {
      const newFrom = window.length
      window += text
      const match = armed ? findStop(window, stops, newFrom) : null
      if (match) {
        const end = match.start + (options.includeInOutput ? match.stop.length : 0)
        return { text: show(end), matched: match.stop }
      }
      const numHeld = options.includeInOutput ? 0 : possibleStart(window, stops)
      return { text: show(window.length - numHeld), matched: null }
    },
    flush: () => show(window.length),
  }
}
