import { proxy, wrap, type Remote } from 'comlink'
import type { EngineStats } from '../engine/generation.ts'
import { EngineError } from '../errors.ts'
import type { LoadOptions, LoadProgress } from '../load-options.ts'
import type { ModelPlan } from '../planning/model-plan.ts'
import { type GivenModel, toLocalModel } from './given-model.ts'
import type { HostApi } from './protocol.ts'
import { installTransferHandlers } from './transfer-handlers.ts'
import { WorkerCalls } from './worker-calls.ts'

export type PlanModelOptions = Omit<LoadOptions, 'model'> & {
  /**
   * A Hugging Face repository (`owner/name`, `owner/name@revision`), the URL of a folder or of a GGUF
   * file (in a repository: `owner/name/file.gguf`), or what the user has picked: a folder's handle
   * (`showDirectoryPicker()`), its files (`<input type="file" webkitdirectory>`) or a GGUF file. These
   * are read where they lie; nothing of them is copied.
   */
  readonly model: GivenModel
  /** Aborts; what was downloaded is kept. */
  readonly signal?: AbortSignal
  /** The engine's worker, where the bundler at hand can't find it by itself. */
  readonly worker?: () => Worker
}

export type CreateEngineOptions = PlanModelOptions & {
  /** Called often while the model loads. */
  readonly onProgress?: (progress: LoadProgress) => void
}

/** A model in a worker, spoken to by `fetch`. */
export type Engine = {
  /**
   * Answers requests to {@link Engine.baseURL} as vLLM's server would, and never touches the
   * network. A bare function: give it to a client as it is.
   */
  readonly fetch: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>
  readonly baseURL: string
  /** The `model` of requests. */
  readonly model: string
  /** Longest prompt and answer together, in tokens. */
  readonly maxModelLen: number
  stats(): Promise<EngineStats>
  /** Ends every request and frees the GPU. */
  dispose(): Promise<void>
}

// Not a real host: nothing is ever sent there.
const baseURL = 'http://quire.localhost/v1'

let lastId = 0

const workerFailed = ({ message }: ErrorEvent): EngineError =>
  new EngineError(
    'internal',
    `The engine's worker failed: ${message || 'its script could not be loaded'}. If your bundler ` +
      'did not emit engine.worker.js, pass ' +
      'createEngine({ worker: () => new Worker(…, { type: "module" }) }).',
  )

/** Runs `work` with an id that `signal` aborts on the other side. */
const abortable = async <Result>(
  host: Remote<HostApi>,
  signal: AbortSignal | null | undefined,
  work: (id: number) => Promise<Result>,
): Promise<Result> => {
  signal?.throwIfAborted()
  const id = ++lastId
  const abort = () => void host.abort(id)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await work(id)
  } catch (thrown) {
    signal?.throwIfAborted()
    throw thrown
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

type WorkerHost = {
  readonly host: Remote<HostApi>
  readonly calls: WorkerCalls
  readonly stop: () => void
}

const startHost = (createWorker: () => Worker): WorkerHost => {
  installTransferHandlers()
  const worker = createWorker()
  const calls = new WorkerCalls()
  worker.addEventListener('error', (event) => calls.end(workerFailed(event)))
  return {
    host: wrap<HostApi>(worker),
    calls,
    stop: () => {
      calls.end(new EngineError('disposed', 'The engine was disposed. Create another one.'))
      worker.terminate()
    },
  }
}

/**
 * The response as `fetch` gives it: with its URL, and a body that breaks off with the signal's
 * reason, which does not cross to the worker. The worker learns of it as the body is cancelled.
 */
const asFetched = (response: Response, { url, signal }: Request): Response => {
  const body = response.body?.pipeThrough(new TransformStream(), { signal })
  const fetched = body ? new Response(body, response) : response
  return Object.defineProperty(fetched, 'url', { value: url })
}

const createFetch =
  ({ host, calls }: WorkerHost): Engine['fetch'] =>
  async (input, init) => {
    const request = new Request(input, init)
    const body = request.body || request.method === 'POST' ? await request.arrayBuffer() : null
    const { url, method, headers, signal } = request
    const data = { url, method, headers: [...headers], body }
    const ask = (id: number) => calls.ask(() => host.fetch(id, data))
    return asFetched(await abortable(host, signal, ask), request)
  }

const toLoadOptions = (options: Omit<PlanModelOptions, 'signal' | 'worker'>): LoadOptions => ({
  baseURL: typeof document === 'undefined' ? location.href : document.baseURI,
  ...options,
  model: toLocalModel(options.model),
})

/** Plans a model in a worker that ends afterwards. */
export const planInWorker = async (
  createWorker: () => Worker,
  { signal, worker, ...options }: PlanModelOptions,
): Promise<ModelPlan> => {
  signal?.throwIfAborted()
  const { host, calls, stop } = startHost(worker ?? createWorker)
  try {
    const plan = (id: number) => calls.ask(() => host.plan(id, toLoadOptions(options)))
    return await abortable(host, signal, plan)
  } finally {
    stop()
  }
}

/**
 * Loads a model in a worker of its own.
 *
 * @throws EngineError whose `code` and message say what is missing (WebGPU, an adapter, a file,
 * memory, …) and the way out; the signal's reason when it was aborted.
 */
export const startEngine = async (
  createWorker: () => Worker,
  { onProgress, signal, worker, ...options }: CreateEngineOptions,
): Promise<Engine> => {
  signal?.throwIfAborted()
  const workerHost = startHost(worker ?? createWorker)
  const { host, calls, stop } = workerHost
  try {
    const report = proxy((progress: LoadProgress) => onProgress?.(progress))
    const load = (id: number) => calls.ask(() => host.load(id, toLoadOptions(options), report))
    const loaded = await abortable(host, signal, load)
    return {
      ...loaded,
      baseURL,
      fetch: createFetch(workerHost),
      stats: () => calls.ask(() => host.stats()),
      async dispose() {
        // A worker that has ended has freed everything.
        await calls.ask(() => host.dispose()).catch(() => {})
        stop()
      },
    }
  } catch (thrown) {
    stop()
    throw thrown
  }
}
