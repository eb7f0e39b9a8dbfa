import { startEngine, type CreateEngineOptions, type Engine } from './worker/engine-client.ts'

export { EngineError, type EngineErrorCode } from './errors.ts'
export type { EngineStats } from './engine/generation.ts'
export type { LoadProgress } from './load-options.ts'
export type { CreateEngineOptions, Engine } from './worker/engine-client.ts'

/**
 * Loads a model on WebGPU in a worker and returns an OpenAI-compatible server shaped like `fetch`.
 *
 * @example
 * const engine = await createEngine({ model: 'Qwen/Qwen3-0.6B', onProgress: console.log })
 * const client = new OpenAI({ baseURL: engine.baseURL, apiKey: 'none', fetch: engine.fetch, dangerouslyAllowBrowser: true })
 */
export const createEngine = (options: CreateEngineOptions): Promise<Engine> =>
  startEngine(
    () =>
      new Worker(new URL(/* @vite-ignore */ './engine.worker.js', import.meta.url), {
        type: 'module',
      }),
    options,
  )
