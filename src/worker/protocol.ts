import type { EngineStats } from '../engine/generation.ts'
import type { LoadOptions, LoadProgress } from '../load-options.ts'
import type { ModelPlan } from '../planning/model-plan.ts'

/** A `Request` without its stream and signal, as it crosses to the worker. */
export type RequestData = {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: ArrayBuffer | null
}

export type ModelDescription = { readonly model: string; readonly maxModelLen: number }

/** What the worker offers the page, by Comlink. Ids are the page's own, for {@link HostApi.abort}. */
export type HostApi = {
  load(
    id: number,
    options: LoadOptions,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<ModelDescription>
  plan(id: number, options: LoadOptions): Promise<ModelPlan>
  /** Answers once the status is known; the body streams on. */
  fetch(id: number, request: RequestData): Promise<Response>
  /** Ends the load, plan or fetch with this id, its body included. */
  abort(id: number): void
  stats(): EngineStats
  dispose(): void
}
