import type { EngineStats, FinishReason } from './generation.ts'
import { Histogram } from './histogram.ts'

// Bounds in seconds, vLLM's.
const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
  160, 640, 2560,
]
const interTokenBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
]
const requestBounds = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
]

/** When things happened to one request, in milliseconds on the engine's clock. */
export type RequestTimes = {
  readonly arrivedAt: number
  startedAt: number | null
  lastTokenAt: number | null
}

type Totals = Pick<
  EngineStats,
  | 'numPromptTokens'
  | 'numGeneratedTokens'
  | 'numFinished'
  | 'timeToFirstToken'
  | 'interTokenLatency'
  | 'requestLatency'
  | 'queueTime'
>

/** What the engine counts over all its requests, for panels and Prometheus. */
export class EngineMetrics {
  #numPromptTokens = 0
  #numGeneratedTokens = 0
  readonly #numFinished: Record<FinishReason, number> = { stop: 0, length: 0, abort: 0 }
  readonly #timeToFirstToken = new Histogram(firstTokenBounds)
  readonly #interTokenLatency = new Histogram(interTokenBounds)
  readonly #requestLatency = new Histogram(requestBounds)
  readonly #queueTime = new Histogram(requestBounds)

  /** A step with the request's first rows was submitted. */
  started(times: RequestTimes, now: number): void {
    if (times.startedAt !== null) return
    times.startedAt = now
    this.#queueTime.observe((now - times.arrivedAt) / 1000)
  }

  /** Tokens came in that one step drew for a request; they share the time since those before. */
  drew(times: RequestTimes, numTokens: number, numPromptTokens: number, now: number): void {
    this.#numGeneratedTokens += numTokens
    if (times.lastTokenAt === null) {
      this.#numPromptTokens += numPromptTokens
      this.#timeToFirstToken.observe((now - times.arrivedAt) / 1000)
    } else {
      const seconds = (now - times.lastTokenAt) / 1000
      for (let i = 0; i < numTokens; i++) this.#interTokenLatency.observe(seconds / numTokens)
    }
    times.lastTokenAt = now
  }

  finished(times: RequestTimes, reason: FinishReason, now: number): void {
    this.#numFinished[reason] += 1
    this.#requestLatency.observe((now - times.arrivedAt) / 1000)
  }

  totals(): Totals {
    return {
      numPromptTokens: this.#numPromptTokens,
      numGeneratedTokens: this.#numGeneratedTokens,
      numFinished: { ...this.#numFinished },
      timeToFirstToken: this.#timeToFirstToken.snapshot(),
      interTokenLatency: this.#interTokenLatency.snapshot(),
      requestLatency: this.#requestLatency.snapshot(),
      queueTime: this.#queueTime.snapshot(),
    }
  }
}
