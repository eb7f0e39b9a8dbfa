import type { EngineStats, FinishReason } from './generation.ts'
import { Histogram } from './histogram.ts'

// Bounds in seconds, and of tokens; vLLM's.
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
const tokenBounds = [1, 10, 100, 1000, 10_000, 100_000].flatMap((n) => [n, 2 * n, 5 * n])

/** When things happened to one request, in milliseconds on the engine's clock, and how much. */
export type RequestTimes = {
  readonly arrivedAt: number
  readonly numPromptTokens: number
  startedAt: number | null
  firstTokenAt: number | null
  lastTokenAt: number | null
  numTokens: number
}

export const timesFrom = (arrivedAt: number, numPromptTokens: number): RequestTimes => ({
  arrivedAt,
  numPromptTokens,
  startedAt: null,
  firstTokenAt: null,
  lastTokenAt: null,
  numTokens: 0,
})

type Totals = Pick<
  EngineStats,
  | 'numPromptTokens'
  | 'numGeneratedTokens'
  | 'numFinished'
  | 'timeToFirstToken'
  | 'interTokenLatency'
  | 'requestLatency'
  | 'queueTime'
  | 'prefillTime'
  | 'decodeTime'
  | 'inferenceTime'
  | 'timePerOutputToken'
  | 'requestPromptTokens'
  | 'requestGenerationTokens'
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
  readonly #prefillTime = new Histogram(requestBounds)
  readonly #decodeTime = new Histogram(requestBounds)
  readonly #inferenceTime = new Histogram(requestBounds)
  readonly #timePerOutputToken = new Histogram(interTokenBounds)
  readonly #requestPromptTokens = new Histogram(tokenBounds)
  readonly #requestGenerationTokens = new Histogram(tokenBounds)

  /** A step with the request's first rows was submitted. */
  started(times: RequestTimes, now: number): void {
    if (times.startedAt !== null) return
    times.startedAt = now
    this.#queueTime.observe((now - times.arrivedAt) / 1000)
  }

  /** Tokens came in that one step drew for a request; they share the time since those before. */
  drew(times: RequestTimes, numTokens: number, now: number): void {
    this.#numGeneratedTokens += numTokens
    times.numTokens += numTokens
    if (times.lastTokenAt === null) {
      times.firstTokenAt = now
      this.#numPromptTokens += times.numPromptTokens
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
    this.#requestPromptTokens.observe(times.numPromptTokens)
    this.#requestGenerationTokens.observe(times.numTokens)
    const { startedAt, firstTokenAt, lastTokenAt, numTokens } = times
    if (startedAt === null || firstTokenAt === null || lastTokenAt === null) return
    const decodeTime = (lastTokenAt - firstTokenAt) / 1000
    this.#prefillTime.observe((firstTokenAt - startedAt) / 1000)
    this.#decodeTime.observe(decodeTime)
    this.#inferenceTime.observe((lastTokenAt - startedAt) / 1000)
    this.#timePerOutputToken.observe(decodeTime / Math.max(numTokens - 1, 1))
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
      prefillTime: this.#prefillTime.snapshot(),
      decodeTime: this.#decodeTime.snapshot(),
      inferenceTime: this.#inferenceTime.snapshot(),
      timePerOutputToken: this.#timePerOutputToken.snapshot(),
      requestPromptTokens: this.#requestPromptTokens.snapshot(),
      requestGenerationTokens: this.#requestGenerationTokens.snapshot(),
    }
  }
}
