import { EngineError } from '../errors.ts'
import { EngineMetrics, type RequestTimes, timesFrom } from './engine-metrics.ts'
import type { FinishReason } from './generation.ts'
import { OutputQueue } from './output-queue.ts'
import type { SampledToken } from './scheduler.ts'
import type { Sequence } from './sequence.ts'

type OpenRequest = { readonly outputs: OutputQueue; readonly times: RequestTimes }

/** The requests that have not ended, each with its reader and its times. */
export class OpenRequests {
  readonly #open = new Map<string, OpenRequest>()
  readonly #metrics = new EngineMetrics()
  readonly #now: () => number
  #numUnnamed = 0

  /** @param now Milliseconds on a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** What happened to all requests so far. */
  totals(): ReturnType<EngineMetrics['totals']> {
    return this.#metrics.totals()
  }

  /** @throws EngineError `invalid-request` for an id that is in use. */
  checkUnused(requestId: string): void {
    if (!this.#open.has(requestId)) return
    throw new EngineError(
      'invalid-request',
      `A request with the id ${requestId} is running. Use another id, or none.`,
    )
  }

  unusedId(): string {
    this.#numUnnamed += 1
    const requestId = `request-${this.#numUnnamed}`
    return this.#open.has(requestId) ? this.unusedId() : requestId
  }

  /** Returns where its outputs are read. `onLeave` is called when the reader stops before the end. */
  add({ requestId, numPromptTokens }: Sequence, onLeave: () => void): OutputQueue {
    const outputs = new OutputQueue(onLeave)
    const times = timesFrom(this.#now(), numPromptTokens)
    this.#open.set(requestId, { outputs, times })
    return outputs
  }

  /** A step with rows of the request was submitted. */
  started({ requestId }: Sequence, startedAt: number): void {
    const request = this.#open.get(requestId)
    if (request) this.#metrics.started(request.times, startedAt)
  }

  /** Hands out what a step drew; the tokens of one sequence stand next to each other. */
  deliver(sampled: readonly SampledToken[]): void {
    const now = this.#now()
    for (let first = 0; first < sampled.length;) {
      const { sequence } = sampled[first]!
      let end = first + 1
      while (sampled[end]?.sequence === sequence) end += 1
      this.#deliverTo(sequence, sampled.slice(first, end), now)
      first = end
    }
  }

  #deliverTo(sequence: Sequence, drawn: readonly SampledToken[], now: number): void {
    const request = this.#open.get(sequence.requestId)
    if (request === undefined) return
    const { promptLogprobs, numOutputTokens, samplingParams } = sequence
    const isFirst = numOutputTokens === drawn.length
    const stop = drawn.at(-1)?.stop ?? null
    this.#metrics.drew(request.times, drawn.length, now)
    request.outputs.push({
      newTokenIds: drawn.map(({ tokenId }) => tokenId),
      logprobs:
        samplingParams.logprobs === null ? null : drawn.flatMap(({ logprobs }) => logprobs ?? []),
      promptLogprobs: isFirst ? promptLogprobs : null,
      numCachedTokens: sequence.numCachedTokens ?? 0,
      finishReason: stop?.finishReason ?? null,
      stopTokenId: stop?.stopTokenId ?? null,
    })
    if (stop === null) return
    this.#metrics.finished(request.times, stop.finishReason, now)
    this.#open.delete(sequence.requestId)
  }

  /** Ends a request with a last output that brings no token. */
  end(sequence: Sequence, finishReason: FinishReason): void {
    const request = this.#take(sequence)
    if (request === undefined) return
    this.#metrics.finished(request.times, finishReason, this.#now())
    request.outputs.push({
      newTokenIds: [],
      logprobs: sequence.samplingParams.logprobs === null ? null : [],
      promptLogprobs: null,
      numCachedTokens: sequence.numCachedTokens ?? 0,
      finishReason,
      stopTokenId: null,
    })
  }

  fail(sequence: Sequence, error: EngineError): void {
    this.#take(sequence)?.outputs.fail(error)
  }

  failAll(error: EngineError): void {
    for (const { outputs } of this.#open.values()) outputs.fail(error)
    this.#open.clear()
  }

  #take({ requestId }: Sequence): OpenRequest | undefined {
    const request = this.#open.get(requestId)
    this.#open.delete(requestId)
    return request
  }
}
