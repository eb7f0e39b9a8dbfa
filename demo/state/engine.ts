import { signal } from '@preact/signals'
import { APIError, OpenAI } from 'openai'
import { createEngine, type Engine, type LoadProgress } from '../../src/index.ts'
import { modelSource } from './settings.ts'

export type EngineState =
  | { readonly phase: 'loading'; readonly progress: LoadProgress | null }
  | { readonly phase: 'ready'; readonly engine: Engine; readonly client: OpenAI }
  | { readonly phase: 'failed'; readonly code: string; readonly message: string }

export const engineState = signal<EngineState>({ phase: 'loading', progress: null })

export const starterModelUrl = new URL('starter-model/', document.baseURI).href
export const isStarterModel = (): boolean => modelSource.value === ''

/** What people see as the model's name. */
export const modelLabel = (): string =>
  isStarterModel() ? 'Starter model' : modelSource.value.replace(/\/$/, '').split('/').at(-1) || ''

let loading: AbortController | null = null

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : 'internal'

/**
 * The library's errors name the way out themselves, so the page shows them as they are, without
 * the status or the "Connection error." that the client wraps around them.
 */
export const messageOf = (thrown: unknown): string => {
  if (thrown instanceof APIError) {
    const body: unknown = thrown.error
    const isBody = typeof body === 'object' && body !== null && 'message' in body
    if (isBody && typeof body.message === 'string') return body.message
    if (thrown.cause instanceof Error) return thrown.cause.message
  }
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The unmodified OpenAI client, its network replaced by the engine. */
const connect = (engine: Engine): OpenAI =>
  new OpenAI({
    baseURL: engine.baseURL,
    apiKey: 'none',
    fetch: engine.fetch,
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
  })

/** Loads the model of the settings; an engine that runs already, or is on its way, goes. */
export const loadEngine = async (): Promise<void> => {
  loading?.abort()
  const controller = new AbortController()
  loading = controller
  const { signal: abortSignal } = controller
  const previous = engineState.peek()
  engineState.value = { phase: 'loading', progress: null }
  try {
    if (previous.phase === 'ready') await previous.engine.dispose()
    const engine = await createEngine({
      model: modelSource.peek() || starterModelUrl,
      signal: abortSignal,
      onProgress: (progress) => {
        if (!abortSignal.aborted) engineState.value = { phase: 'loading', progress }
      },
    })
    if (abortSignal.aborted) await engine.dispose()
    else engineState.value = { phase: 'ready', engine, client: connect(engine) }
  } catch (thrown) {
    if (abortSignal.aborted) return
    engineState.value = { phase: 'failed', code: codeOf(thrown), message: messageOf(thrown) }
  }
}

/**
 * The engine, once it is there.
 *
 * @throws Error with the engine's message when loading fails; the signal's reason when aborted.
 */
export const readyEngine = (abortSignal: AbortSignal) =>
  new Promise<Extract<EngineState, { phase: 'ready' }>>((resolve, reject) => {
    const stop = engineState.subscribe((state) => {
      if (state.phase === 'ready') resolve(state)
      if (state.phase === 'failed') reject(new Error(state.message))
    })
    abortSignal.addEventListener('abort', () => {
      stop()
      reject(abortSignal.reason as Error)
    })
  })
