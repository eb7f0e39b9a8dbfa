import type { EngineStats } from '../engine/generation.ts'
import { EngineError } from '../errors.ts'
import type { LoadOptions, LoadProgress } from '../load-options.ts'
import { loadModel, type ModelEnvironment } from '../load-model.ts'
import { createFetch } from '../server/create-fetch.ts'
import type { ServedModel } from '../server/served-model.ts'
import type { HostApi, LoadedModel, RequestData } from './protocol.ts'

/** The worker's side of an engine: one model, answered for by one handler. */
export class EngineHost implements HostApi {
  readonly #environment: ModelEnvironment
  readonly #running = new Map<number, AbortController>()
  #served: ServedModel | null = null
  #handle: ((request: Request) => Promise<Response>) | null = null

  constructor(environment: ModelEnvironment) {
    this.#environment = environment
  }

  async load(
    id: number,
    options: LoadOptions,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<LoadedModel> {
    const abort = this.#begin(id)
    try {
      const served = await loadModel(this.#environment, {
        ...options,
        onProgress,
        signal: abort.signal,
      })
      this.#served?.engine.dispose()
      this.#served = served
      this.#handle = createFetch(served)
      return { model: served.id, maxModelLen: served.engine.maxModelLen }
    } finally {
      this.#running.delete(id)
    }
  }

  async fetch(id: number, { url, method, headers, body }: RequestData): Promise<Response> {
    const handle = this.#handle
    if (!handle) throw noModel()
    const { signal } = this.#begin(id)
    const request = new Request(url, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body,
      signal,
    })
    try {
      const response = await handle(request)
      if (!response.body) {
        this.#running.delete(id)
        return response
      }
      const body = response.body.pipeThrough(this.#untilDone(id))
      return new Response(body, response)
    } catch (thrown) {
      this.#running.delete(id)
      throw thrown
    }
  }

  abort(id: number): void {
    this.#running.get(id)?.abort()
    this.#running.delete(id)
  }

  stats(): EngineStats {
    if (!this.#served) throw noModel()
    return this.#served.engine.stats()
  }

  dispose(): void {
    for (const abort of this.#running.values()) abort.abort()
    this.#running.clear()
    this.#served?.engine.dispose()
    this.#served = null
    this.#handle = null
  }

  #begin(id: number): AbortController {
    const abort = new AbortController()
    this.#running.set(id, abort)
    return abort
  }

  /** Passes a body on and forgets its abort handle when it ends, however it ends. */
  #untilDone(id: number): TransformStream<Uint8Array, Uint8Array> {
    const forget = () => void this.#running.delete(id)
    return new TransformStream(
      { flush: forget, cancel: forget },
      { highWaterMark: 1 },
      { highWaterMark: 0 },
    )
  }
}

const noModel = (): EngineError =>
  new EngineError('disposed', 'No model is loaded. Call createEngine() and wait for it first.')
