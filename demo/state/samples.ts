import { signal } from '@preact/signals'
import type { EngineStats } from '../../src/index.ts'
import { engineState } from './engine.ts'

/** Tokens generated up to a moment; `at` in milliseconds of `performance.now()`. */
type Count = { readonly at: number; readonly tokens: number }
export type Rate = { readonly at: number; readonly tokensPerSecond: number }

export const windowMs = 60_000
const pollMs = 250
/** A rate over one poll would jump; four of them read well. */
const smoothingPolls = 4

export const stats = signal<EngineStats | null>(null)
export const rates = signal<readonly Rate[]>([])

let counts: readonly Count[] = []

const record = (snapshot: EngineStats): void => {
  const at = performance.now()
  const tokens = snapshot.numGeneratedTokens
  // A new engine counts from zero again.
  if (tokens < (counts.at(-1)?.tokens ?? 0)) counts = []
  counts = [...counts, { at, tokens }].slice(-smoothingPolls - 1)
  const first = counts[0]
  const isGap = at - (rates.peek().at(-1)?.at ?? at) > pollMs * 8
  const seconds = first ? (at - first.at) / 1000 : 0
  const tokensPerSecond = first && seconds > 0 && !isGap ? (tokens - first.tokens) / seconds : 0
  rates.value = [...rates.peek(), { at, tokensPerSecond }].filter(
    (rate) => rate.at > at - windowMs - 1000,
  )
  stats.value = snapshot
}

/** Asks the engine about four times a second while the page is visible. Returns the way to stop. */
export const watchStats = (): (() => void) => {
  let isStopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const poll = async () => {
    const state = engineState.peek()
    try {
      if (state.phase === 'ready' && document.visibilityState === 'visible') {
        const snapshot = await state.engine.stats()
        if (!isStopped) record(snapshot)
      } else if (state.phase !== 'ready') stats.value = null
    } catch {
      // The engine goes away between two polls when another model is loaded.
      stats.value = null
    }
    if (!isStopped) timer = setTimeout(() => void poll(), pollMs)
  }
  void poll()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
