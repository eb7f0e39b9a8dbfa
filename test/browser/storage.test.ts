import { afterEach, expect, test } from 'vitest'
import { type Directory, openStorageRoot } from '../../src/storage/directory.ts'
import { createHttp } from '../../src/storage/http.ts'
import { type DownloadProgress, openModelSource } from '../../src/storage/model-source.ts'
import { createModelStore } from '../../src/storage/model-store.ts'
import { downloadFile } from '../../src/storage/resumable-download.ts'
import { sha256Hex } from '../../src/storage/stored-file.ts'
import { openSafetensors } from '../../src/weights/safetensors.ts'

const weightsFile = 'model.safetensors'

const openRoot = async (): Promise<Directory> => {
  const root = await openStorageRoot()
  if (!root) throw new Error('this browser has no OPFS')
  return root
}

type Change = { fetch?: typeof fetch; onProgress?: (progress: DownloadProgress) => void }

const open = async (change: Change = {}, model = '/starter-model/') =>
  openModelSource(model, {
    fetch,
    baseURL: location.href,
    root: await openRoot(),
    quota: navigator.storage,
    locks: navigator.locks,
    ...change,
  })

const original = async (name: string) =>
  new Uint8Array(await (await fetch(`/starter-model/${name}`)).arrayBuffer())

const offline: typeof fetch = () => Promise.reject(new TypeError('Failed to fetch'))

/** Folders down to the model's, by way of the plain file system calls. */
const modelFolder = async (): Promise<FileSystemDirectoryHandle> => {
  const root = await navigator.storage.getDirectory()
  const models = await (await root.getDirectoryHandle('quire')).getDirectoryHandle('models')
  for await (const name of models.keys()) return models.getDirectoryHandle(name)
  throw new Error('nothing is stored')
}

const fileNames = async () => {
  const names: string[] = []
  for await (const name of (await modelFolder()).keys()) names.push(name)
  return names
}

afterEach(async () => {
  const store = createModelStore(await openRoot(), navigator.storage)
  for (const { id } of await store.list()) await store.delete(id)
})

test('the starter model is stored in OPFS and opens offline', async () => {
  const progress: DownloadProgress[] = []
  await open({ onProgress: (seen) => progress.push(seen) })
  const last = progress.at(-1)
  expect(last?.loadedBytes).toBe(last?.totalBytes)
  expect(await fileNames()).toEqual(
    expect.arrayContaining(['manifest.json', `${weightsFile}.00000`]),
  )

  const source = await open({ fetch: offline })
  const file = await source.open(weightsFile)
  const bytes = await file.read(0, file.size)
  expect(await sha256Hex(new Uint8Array(bytes))).toBe(await sha256Hex(await original(weightsFile)))
  expect(await source.readJson('config.json')).toMatchObject({ model_type: 'qwen3' })
  expect((await openSafetensors(source)).has('model.embed_tokens.weight')).toBe(true)
  const { usage = 0 } = await navigator.storage.estimate()
  expect(usage).toBeGreaterThan(file.size)
})

/** What a single-page host answers for any path. */
const page: typeof fetch = async () =>
  new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })

test('a missing model is told from one that is there, also where a page answers for it', async () => {
  for (const change of [{}, { fetch: page }]) {
    await expect(open(change, '/no-such-model/')).rejects.toMatchObject({ code: 'file-not-found' })
  }
  expect(await createModelStore(await openRoot(), null).list()).toEqual([])
})

/** `fetch`, and the Range header of each request. */
const watchFetch = () => {
  const asked: { url: string; range: string | null }[] = []
  const watched: typeof fetch = (input, init) => {
    const { url, headers } = new Request(input, init)
    asked.push({ url, range: headers.get('range') })
    return fetch(input, init)
  }
  return { asked, watched }
}

const reply = (port: Worker | MessagePort) =>
  new Promise<unknown>((resolve) => {
    port.addEventListener('message', (event) => resolve((event as MessageEvent).data))
  })

test('a download cut off goes on where it stopped', async () => {
  const abort = new AbortController()
  const { asked, watched } = watchFetch()
  const small = 256 * 1024

  const folder = await createModelStore(await openRoot(), null).begin('cut off')
  const expected = await original(weightsFile)
  const download = (signal: AbortSignal | undefined, onProgress?: (loaded: number) => void) => {
    return downloadFile({
      folder,
      file: {
        name: weightsFile,
        url: new URL(`/starter-model/${weightsFile}`, location.href).href,
        size: expected.length,
        version: 'v1',
        sha256: null,
      },
      http: createHttp({ fetch: watched, signal }),
      onProgress,
      chunkBytes: small,
    })
  }
  const cut = download(abort.signal, (loaded) => loaded > 3 * small && abort.abort())
  await expect(cut).rejects.toMatchObject({ code: 'aborted' })
  const stored = await download(undefined)
  expect(asked[0]?.range).toBeNull()
  const from = Number(/^bytes=(\d+)-$/.exec(asked[1]?.range ?? '')?.[1])
  expect(from).toBeGreaterThanOrEqual(3 * small)
  expect(from % small).toBe(0)
  const hashes = []
  for (let at = 0; at < expected.length; at += small) {
    hashes.push(await sha256Hex(expected.slice(at, at + small)))
  }
  expect(stored.chunkHashes).toEqual(hashes)
})

test('a damaged file is fetched again as it is read', async () => {
  await open()
  const handle = await (await modelFolder()).getFileHandle(`${weightsFile}.00000`)
  const writable = await handle.createWritable({ keepExistingData: true })
  await writable.write({ type: 'write', position: 1000, data: new Uint8Array([1, 2, 3]) })
  await writable.close()
  const { asked, watched } = watchFetch()
  const file = await (await open({ fetch: watched })).open(weightsFile)
  asked.length = 0
  const bytes = new Uint8Array(await file.read(0, file.size))
  expect(asked).toHaveLength(1)
  expect(await sha256Hex(bytes)).toBe(await sha256Hex(await original(weightsFile)))
  const healed = new Uint8Array(await (await handle.getFile()).arrayBuffer())
  expect(await sha256Hex(healed)).toBe(await sha256Hex(bytes))
})

test('two at once store the model once', async () => {
  const { asked, watched } = watchFetch()
  const [one, two] = await Promise.all([open({ fetch: watched }), open({ fetch: watched })])
  const downloads = asked.filter(({ url, range }) => range === null && url.endsWith(weightsFile))
  expect(downloads).toHaveLength(1)
  expect(await one.readText('config.json')).toBe(await two.readText('config.json'))
})

test('it works in a dedicated worker and in a SharedWorker', async () => {
  const url = new URL('./storage.worker.ts', import.meta.url)
  const worker = new Worker(url, { type: 'module' })
  const fromWorker = reply(worker)
  worker.postMessage('go')
  const index = await openSafetensors(await open())
  const { totalBytes } = index
  expect(await fromWorker).toEqual({ totalBytes, worker: 'DedicatedWorkerGlobalScope' })
  worker.terminate()
  const shared = new SharedWorker(url, { type: 'module' })
  const fromShared = reply(shared.port)
  shared.port.start()
  expect(await fromShared).toEqual({ totalBytes, worker: 'SharedWorkerGlobalScope' })
})
