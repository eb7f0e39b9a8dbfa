import type { LoadModelOptions } from '../build-engine.ts'
import { type LoadedModel, loadModel } from '../load-model.ts'
import { createFetch, type CreateFetchOptions } from '../server/create-fetch.ts'
import { version } from '../version.ts'
import type { Engine } from '../worker/engine-client.ts'
import { type NodeOptions, openNodeEnvironment, withDefaults } from './environment.ts'

export type CreateEngineOptions = LoadModelOptions &
  NodeOptions &
  Pick<CreateFetchOptions, 'apiKey' | 'enableRequestIdHeaders'> & {
    /**
     * A folder or a GGUF file on this machine, a Hugging Face repository (`owner/name`,
     * `owner/name@revision`, `owner/name/file.gguf`), or the URL of a folder or a GGUF file.
     */
    readonly model: string
  }

// Not a real host: nothing is ever sent there.
const baseURL = 'http://quire.localhost/v1'

/** @throws EngineError as {@link createEngine}. */
export const loadInNode = async (options: CreateEngineOptions): Promise<LoadedModel> => {
  const { hubURL } = withDefaults(options)
  return loadModel(await openNodeEnvironment(options), { ...options, hubURL })
}

/** The engine of a loaded model, as a page knows it. */
export const engineOf = (
  served: LoadedModel,
  options: Pick<CreateEngineOptions, 'apiKey' | 'enableRequestIdHeaders'>,
): Engine => {
  const handle = createFetch(served, { ...options, version })
  return {
    model: served.id,
    maxModelLen: served.engine.maxModelLen,
    baseURL,
    async fetch(input, init) {
      const request = new Request(input, init)
      // The constructor of a Response takes no URL.
      return Object.defineProperty(await handle(request), 'url', { value: request.url })
    },
    stats: async () => served.engine.stats(),
    dispose: async () => served.dispose(),
  }
}

/**
 * Loads a model in Node, on the WebGPU of the package `webgpu` (Dawn), and returns the same engine as in
 * a page. It runs on the calling thread.
 *
 * @throws EngineError whose `code` and message say what is missing and the way out.
 *
 * @example
 * import { createEngine, serve } from 'quire-llm/node'
 * const engine = await createEngine({ model: 'Qwen/Qwen3-0.6B' })
 * const server = await serve(engine.fetch, { port: 8000 })
 */
export const createEngine = async (options: CreateEngineOptions): Promise<Engine> =>
  engineOf(await loadInNode(options), options)
