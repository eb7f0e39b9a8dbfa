import type { EngineStats } from '../engine/generation.ts'
import { EngineError } from '../errors.ts'
import type { LoadOptions, LoadProgress } from '../load-options.ts'
import { type LoadedModel, loadModel, type ModelEnvironment, planModel } from '../load-model.ts'
import type { ModelPlan } from '../planning/model-plan.ts'
import { createFetch } from '../server/create-fetch.ts'
import { version } from '../version.ts'
import type { HostApi, ModelDescription, RequestData } from './protocol.ts'

/** The worker's side of an engine: one model, answered for by one handler. */
export class EngineHost implements HostApi {
  readonly #environment: ModelEnvironment
  readonly #running = new Map<number, AbortController>()
  #served: LoadedModel | null = null
  #handle: ((request: Request) => Promise<Response>) | null = null

  constructor(environment: ModelEnvironment) {
    this.#environment = environment
  }

  async load(
    id: number,
    options: LoadOptions,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<ModelDescription> {
    const abort = this.#begin(id)
    try {
      const served = await loadModel(this.#environment, {
        ...options,
        onProgress,
        signal: abort.signal,
      })
      this.#served?.dispose()
      this.#served = served
      const { enableResponsesStore = false } = options
      this.#handle = createFetch(served, { version, enableResponsesStore })
      return { model: served.id, maxModelLen: served.engine.maxModelLen }
    } finally {
      this.#running.delete(id)
    }
  }

  async plan(id: number, options: LoadOptions): Promise<ModelPlan> {
    const { signal } = this.#begin(id)
    try {
      return await planModel(this.#environment, { ...options, signal })
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
      const forget = () => void this.#running.delete(id)
      return new Response(whenDone(response.body, forget), response)
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
    this.#served?.dispose()
    this.#served = null
    this.#handle = null
  }

  #begin(id: number): AbortController {
    const abort = new AbortController()
    this.#running.set(id, abort)
    return abort
  }
}

/** Passes a body on unread-ahead, and calls `done` when it ends, however it ends. */
const whenDone = (
  body: ReadableStream<Uint8Array>,
  done: () => void,
): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done: isDone, value } = await reader.read()
          if (!isDone) return controller.enqueue(value)
          done()
          controller.close()
        } catch (thrown) {
          done()
          controller.error(thrown)
        }
      },
      cancel(reason) {
        done()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

const noModel = (): EngineError =>
  new EngineError('disposed', 'No model is loaded. Call createEngine() and wait for it first.')
