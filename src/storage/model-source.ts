import { EngineError } from '../errors.ts'
import { type ByteSource, fileNotFound, type ModelSource, parseJsonFile } from './byte-source.ts'
import type { Directory } from './directory.ts'
import { openHttpFile } from './http-file.ts'
import { createHttp, type Http } from './http.ts'
import { locateModel, type ModelLocation, type ModelSpec } from './model-location.ts'
import {
  createModelStore,
  type Manifest,
  type ModelStore,
  type StorageQuota,
} from './model-store.ts'
import { probeFile, type RemoteFile, resolveRemoteModel } from './remote-model.ts'
import { downloadFile, presentBytes, refetchChunk, removeFile } from './resumable-download.ts'
import { openStoredFiles, type StoredFile } from './stored-file.ts'

export type { ByteSource, ModelSource } from './byte-source.ts'

export type DownloadProgress = {
  /** The file that is arriving. */
  readonly file: string
  /** Bytes of the whole model that are here, those of an earlier visit included. */
  readonly loadedBytes: number
  /** Bytes of the whole model; null where the server does not tell. */
  readonly totalBytes: number | null
}

export type OpenModelOptions = {
  readonly fetch: typeof fetch
  /** What a relative `model` is relative to: the page's URL. */
  readonly baseURL?: string | undefined
  readonly hubURL?: string | undefined
  /** The root of OPFS (`openStorageRoot()`), or null to read from the network every time. */
  readonly root: Directory | null
  /** `navigator.storage`: asked to persist and for the room left. */
  readonly quota?: StorageQuota | null | undefined
  /** `navigator.locks`: keeps two tabs from storing the same model at the same time. */
  readonly locks?: LockManager | null | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Waits between two tries of a request. */
  readonly wait?: ((milliseconds: number) => Promise<void>) | undefined
}

/**
 * Opens a model by what a user calls it. With storage, its files are first brought there and checked; a
 * model that is complete there opens without the network. (A folder is asked, once, whether its files
 * have changed; no answer means no.) Without storage, files are read from the network as needed.
 *
 * @throws EngineError `invalid-request` for a `model` of no known form, `file-not-found`, `network`,
 * `storage`, `invalid-file`, `unsupported-format`, `aborted`.
 */
export const openModelSource = async (
  model: ModelSpec,
  options: OpenModelOptions,
): Promise<ModelSource> => {
  const { root, quota = null, locks = null, signal } = options
  const location = locateModel(model, options)
  const http = createHttp(options)
  if (!root) {
    const files = await resolveRemoteModel(location, http)
    const openers = files.map((file) => [file.name, () => openHttpFile(file, http)] as const)
    return createSource(location, new Map(openers))
  }
  const store = createModelStore(root, quota)
  const bring = () => bringIntoStore(location, store, http, options)
  const manifest = await exclusively(locks, `quire-model:${location.id}`, signal, bring)
  const folder = await store.folder(location.id)
  const refetch = (file: StoredFile, index: number) => refetchChunk(folder, file, index, http)
  const files = openStoredFiles(folder, manifest.files, refetch)
  const openers = files.map((file) => [file.name, () => Promise.resolve(file)] as const)
  return createSource(location, new Map(openers))
}

const exclusively = async <Result>(
  locks: LockManager | null,
  name: string,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> => {
  if (!locks) return work()
  try {
    return await locks.request(name, signal ? { signal } : {}, work)
  } catch (thrown) {
    if (!(thrown instanceof EngineError) && signal?.aborted) {
      throw new EngineError('aborted', 'Loading the model was aborted.', { cause: thrown })
    }
    throw thrown
  }
}

const bringIntoStore = async (
  location: ModelLocation,
  store: ModelStore,
  http: Http,
  options: OpenModelOptions,
): Promise<Manifest> => {
  const { id } = location
  const stored = await store.manifest(id)
  if (stored && !(location.kind === 'folder' && (await hasChanged(stored, http)))) return stored
  const remote = await resolveRemoteModel(location, http)
  const kept = new Map((stored?.files ?? []).map((file) => [file.name, file]))
  const isKept = (file: RemoteFile) => {
    const own = kept.get(file.name)
    return own !== undefined && file.version !== null && isSame(own, file)
  }
  const wanted = remote.filter((file) => !isKept(file))
  const folder = await store.begin(id)
  for (const name of kept.keys()) {
    if (!remote.some((file) => file.name === name)) await removeFile(folder, name)
  }
  await store.ensureSpace(id, await missingBytes(folder, wanted))
  const progress = startProgress(remote, options)
  const files: StoredFile[] = []
  for (const file of remote) {
    const own = kept.get(file.name)
    const onProgress = (loadedBytes: number) => progress.report(file.name, loadedBytes)
    const done = own && isKept(file) ? own : await downloadFile({ folder, file, http, onProgress })
    files.push(done)
    progress.finish(file.name, done.size)
  }
  return store.commit(id, files)
}

/** Whether a folder's server has another version of a stored file. No answer counts as no. */
const hasChanged = async (stored: Manifest, http: Http): Promise<boolean> => {
  const probes = stored.files.map(async (file) => {
    const remote = await probeFile(file.name, file.url, http, 1)
    return remote !== null && !isSame(file, remote)
  })
  return Promise.all(probes).then(
    (changed) => changed.includes(true),
    (thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'network') return false
      throw thrown
    },
  )
}

const isSame = (stored: StoredFile, remote: RemoteFile) =>
  stored.version === remote.version && (remote.size === null || stored.size === remote.size)

const missingBytes = async (folder: Directory, wanted: readonly RemoteFile[]): Promise<number> => {
  let bytes = 0
  for (const { name, size } of wanted) {
    bytes += Math.max(0, (size ?? 0) - (await presentBytes(folder, name)))
  }
  return bytes
}

const startProgress = (files: readonly RemoteFile[], { onProgress }: OpenModelOptions) => {
  const sizes = files.map(({ size }) => size)
  const totalBytes = sizes.reduce<number | null>(
    (sum, size) => (sum === null || size === null ? null : sum + size),
    0,
  )
  let finished = 0
  const report = (file: string, loaded: number) =>
    onProgress?.({ file, loadedBytes: finished + loaded, totalBytes })
  return {
    report,
    finish: (file: string, size: number) => {
      finished += size
      report(file, 0)
    },
  }
}

/** A model source over files that each know how to open. */
const createSource = (
  location: ModelLocation,
  openers: ReadonlyMap<string, () => Promise<ByteSource>>,
): ModelSource => {
  const opened = new Map<string, Promise<ByteSource>>()
  const { id, ggufFile } = location
  const place = location.urlOf('')
  const source: ModelSource = {
    id,
    ggufFile,
    has: async (name) => openers.has(name),
    open: (name) => {
      const opener = openers.get(name)
      if (!opener) {
        const hint = `The model has ${[...openers.keys()].join(', ')}.`
        return Promise.reject(fileNotFound(name, `${place}${name}`, hint))
      }
      const known = opened.get(name)
      if (known) return known
      const file = opener()
      opened.set(name, file)
      file.catch(() => opened.delete(name))
      return file
    },
    readText: async (name) => {
      if (!openers.has(name)) return null
      const file = await source.open(name)
      return new TextDecoder().decode(await file.read(0, file.size))
    },
    readJson: async (name) => {
      const file = await source.open(name)
      const text = new TextDecoder().decode(await file.read(0, file.size))
      return parseJsonFile(name, `${place}${name}`, text)
    },
    close: async () => opened.clear(),
  }
  return source
}
