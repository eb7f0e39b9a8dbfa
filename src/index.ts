import type { ModelPlan } from './planning/model-plan.ts'
import {
  planInWorker,
  startEngine,
  type CreateEngineOptions,
  type Engine,
  type PlanModelOptions,
} from './worker/engine-client.ts'

export { EngineError, type EngineErrorCode } from './errors.ts'
export type { EngineStats } from './engine/generation.ts'
export type { LoadProgress } from './load-options.ts'
export type { ModelPlan, PlanChoice } from './planning/model-plan.ts'
export type { CreateEngineOptions, Engine, PlanModelOptions } from './worker/engine-client.ts'

const createWorker = () =>
  new Worker(new URL(/* @vite-ignore */ './engine.worker.js', import.meta.url), {
    type: 'module',
  })

/**
 * Loads a model on WebGPU in a worker and returns an OpenAI-compatible server shaped like `fetch`.
 *
 * @example
 * const engine = await createEngine({ model: 'Qwen/Qwen3-0.6B', onProgress: console.log })
 * const client = new OpenAI({ baseURL: engine.baseURL, apiKey: 'none', fetch: engine.fetch, dangerouslyAllowBrowser: true })
 */
export const createEngine = (options: CreateEngineOptions): Promise<Engine> =>
  startEngine(createWorker, options)

/**
 * What a model will take of the GPU and of the network, before a byte of its weights is fetched: sizes,
 * whether they fit `memoryBudget`, and which options would if they do not.
 *
 * @throws EngineError for a model that Quire does not run, as `createEngine` would.
 *
 * @example
 * const plan = await planModel({ model: 'Qwen/Qwen3-4B' })
 * if (!plan.fits) alert(plan.text)
 */
export const planModel = (options: PlanModelOptions): Promise<ModelPlan> =>
  planInWorker(createWorker, options)
