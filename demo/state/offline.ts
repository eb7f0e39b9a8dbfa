import { effect, signal } from '@preact/signals'
import { announce } from './announcer.ts'
import { engineState, isStarterModel, starterModelUrl } from './engine.ts'

export type OfflineState = 'unavailable' | 'preparing' | 'ready'

export const offlineState = signal<OfflineState>('preparing')

/** Long enough for a first visit to fetch the page's files, short enough not to be felt as stuck. */
const controlPatienceMs = 4000
const starterModelFiles = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'model.safetensors',
]

const workerUrl = import.meta.env.DEV ? 'service-worker.ts' : 'service-worker.js'

const controlled = (): Promise<void> =>
  new Promise((resolve) => {
    if (navigator.serviceWorker.controller) return resolve()
    navigator.serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true })
  })

/**
 * Registers the service worker and waits, for a while, until it controls this very page, so that
 * the engine's worker and shaders, which load next, already pass through it.
 */
export const startServiceWorker = async (): Promise<void> => {
  if (!('serviceWorker' in navigator)) {
    offlineState.value = 'unavailable'
    return
  }
  try {
    const scope = new URL('./', document.baseURI).pathname
    await navigator.serviceWorker.register(new URL(workerUrl, document.baseURI), { scope })
    const patience = new Promise((resolve) => setTimeout(resolve, controlPatienceMs))
    await Promise.race([controlled(), patience])
  } catch {
    offlineState.value = 'unavailable'
  }
}

const hasPrivateFiles = async (): Promise<boolean> => {
  try {
    await navigator.storage.getDirectory()
    return true
  } catch {
    return false
  }
}

/** What this visit fetched; the build's own files are cached by the service worker at install. */
const filesToKeep = async (): Promise<string[]> => {
  const fetched = performance
    .getEntriesByType('resource')
    .map((entry) => entry.name)
    .filter((url) => url.startsWith(location.origin) && !url.startsWith(starterModelUrl))
  const keepsModel = isStarterModel() && !(await hasPrivateFiles())
  const model = keepsModel ? starterModelFiles.map((name) => starterModelUrl + name) : []
  return [location.href.split('#')[0] ?? location.href, ...fetched, ...model]
}

/** Asks the service worker to keep files. Resolves to how many it could not get. */
const keep = async (urls: readonly string[]): Promise<number> => {
  const { active } = await navigator.serviceWorker.ready
  if (!active) return urls.length
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', ({ data }: MessageEvent<{ missing: number }>) =>
      resolve(data.missing),
    )
    port1.start()
    active.postMessage({ type: 'keep', urls }, [port2])
  })
}

/** Once the model has loaded, completes the cache and says that the network may go. */
export const watchOfflineReadiness = (): void => {
  effect(() => {
    if (engineState.value.phase !== 'ready' || offlineState.peek() !== 'preparing') return
    filesToKeep()
      .then(keep)
      .then((missing) => {
        offlineState.value = missing === 0 ? 'ready' : 'unavailable'
        if (missing === 0) announce('Ready to be used offline.')
      })
      .catch(() => {
        offlineState.value = 'unavailable'
      })
  })
}
