import { openStorageRoot } from '../../src/storage/directory.ts'
import { openModelSource } from '../../src/storage/model-source.ts'
import { openSafetensors } from '../../src/weights/safetensors.ts'

/** Opens the starter model in whatever worker this is, and reports what it found. */
const answer = async (port: { postMessage(message: unknown): void }) => {
  try {
    const source = await openModelSource('/starter-model/', {
      fetch,
      baseURL: location.href,
      root: await openStorageRoot(),
      quota: navigator.storage,
      locks: navigator.locks,
    })
    const { totalBytes } = await openSafetensors(source)
    port.postMessage({ totalBytes, worker: globalThis.constructor.name })
  } catch (error) {
    port.postMessage({ error: String(error) })
  }
}

globalThis.addEventListener('connect', (event) => {
  if (event instanceof MessageEvent && event.ports[0]) void answer(event.ports[0])
})
globalThis.addEventListener('message', () => void answer(globalThis))
