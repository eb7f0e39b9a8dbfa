import { EngineError } from '../errors.ts'
import type { ModelSource } from './byte-source.ts'
import type { Directory } from './directory.ts'
import { createFileSource } from './file-source.ts'
import { isWithoutRanges, openHttpFile } from './http-file.ts'
import { createHttp, type Http } from './http.ts'
import { type LocalModel, openLocalModel } from './local-files.ts'
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
  /**
   * Given the model where it lies before anything of it is stored; what it throws ends the opening. Where
   * the server sends no byte ranges it can't look at large weights, and they are stored without it.
   */
  readonly beforeDownload?: ((source: ModelSource) => Promise<void>) | undefined
  /** Waits between two tries of a request. */
  readonly wait?: ((milliseconds: number) => Promise<void>) | undefined
}

/** What a model takes in storage; nothing where it lies on the user's disk. */
export type ModelDownload = {
  /** Bytes of all its files; null where the server does not tell. */
  readonly totalBytes: number | null
  /** Of these, bytes that are in storage already. */
  readonly presentBytes: number
}

const isLocal = (model: ModelSpec | LocalModel): model is LocalModel =>
  typeof model !== 'string' && 'name' in model

/**
 * Opens a model by what a user calls it. With storage, its files are first brought there and checked; a
 * model that is complete there opens without the network. (A folder is asked, once, whether its files
 * have changed; no answer means no.) Without storage, files are read from the network as needed. A model
 * on the user's disk is read there.
 *
 * @throws EngineError `invalid-request` for a `model` of no known form, `file-not-found`, `network`,
 * `storage`, `invalid-file`, `unsupported-format`, `aborted`.
 */
export const openModelSource = async (
  model: ModelSpec | LocalModel,
  options: OpenModelOptions,
): Promise<ModelSource> => {
  if (isLocal(model)) return openLocalModel(model)
  const { root, quota = null, locks = null, signal } = options
  const location = locateModel(model, options)
  const http = createHttp(options)
  if (!root) {
    const remote = await resolveRemoteModel(location, http)
    return createRemoteSource(location, remote, { http, isLook: false })
  }
  const store = createModelStore(root, quota)
  const bring = () => bringIntoStore(location, store, http, options)
  const manifest = await exclusively(locks, `quire-model:${location.id}`, signal, bring)
  return createStoredSource(location, store, manifest, http)
}

/**
 * Opens a model for a look at its descriptions, without storing anything: where it is stored it is read
 * there, else by range where it lies.
 *
 * @throws EngineError as `openModelSource`.
 */
export const inspectModelSource = async (
  model: ModelSpec | LocalModel,
  options: OpenModelOptions,
): Promise<{ readonly source: ModelSource; readonly download: ModelDownload }> => {
  if (isLocal(model)) {
    const source = await openLocalModel(model)
    return { source, download: { totalBytes: 0, presentBytes: 0 } }
  }
  const location = locateModel(model, options)
  const http = createHttp(options)
  const store = options.root && createModelStore(options.root, null)
  const stored = store && (await findStored(location, store, http))
  if (store && stored?.isCurrent) {
    const totalBytes = sumSizes(stored.manifest.files) ?? 0
    const source = await createStoredSource(location, store, stored.manifest, http)
    return { source, download: { totalBytes, presentBytes: totalBytes } }
  }
  const remote = await resolveRemoteModel(location, http)
  const source = createRemoteSource(location, remote, { http, isLook: true })
  const folder = store && (await store.find(location.id))
  const present = folder ? await presentSizes(folder, remote) : []
  const presentBytes = present.reduce((sum, size) => sum + size, 0)
  return { source, download: { totalBytes: sumSizes(remote), presentBytes } }
}

const createRemoteSource = (
  location: ModelLocation,
  files: readonly RemoteFile[],
  { http, isLook }: { readonly http: Http; readonly isLook: boolean },
): ModelSource => {
  const open = (file: RemoteFile) => openHttpFile(file, http, { isLook })
  const openers = files.map((file) => [file.name, () => open(file)] as const)
  return createFileSource(placeOf(location), new Map(openers))
}

const createStoredSource = async (
  location: ModelLocation,
  store: ModelStore,
  manifest: Manifest,
  http: Http,
): Promise<ModelSource> => {
  const folder = await store.folder(location.id)
  const refetch = (file: StoredFile, index: number) => refetchChunk(folder, file, index, http)
  const files = openStoredFiles(folder, manifest.files, refetch)
  const openers = files.map((file) => [file.name, () => Promise.resolve(file)] as const)
  return createFileSource(placeOf(location), new Map(openers))
}

const placeOf = (location: ModelLocation) => ({
  id: location.id,
  ggufFile: location.ggufFile,
  place: location.urlOf(''),
})

/** Bytes of all files; null where one's size is not known. */
const sumSizes = (files: readonly { readonly size: number | null }[]): number | null =>
  files.reduce<number | null>(
    (sum, { size }) => (sum === null || size === null ? null : sum + size),
    0,
  )

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
  const stored = await findStored(location, store, http)
  if (stored?.isCurrent) return stored.manifest
  const remote = await resolveRemoteModel(location, http)
  await lookBefore(createRemoteSource(location, remote, { http, isLook: true }), options)
  const kept = new Map((stored?.manifest.files ?? []).map((file) => [file.name, file]))
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

/** Where a look would cost as much as the download there is none. */
const lookBefore = async (
  source: ModelSource,
  { beforeDownload }: OpenModelOptions,
): Promise<void> => {
  try {
    await beforeDownload?.(source)
  } catch (thrown) {
    if (!isWithoutRanges(thrown)) throw thrown
  }
}

/** A complete model in storage, and whether its files are still those of the server. */
const findStored = async (location: ModelLocation, store: ModelStore, http: Http) => {
  const manifest = await store.manifest(location.id)
  if (!manifest) return null
  const isCurrent = location.kind === 'hub' || !(await hasChanged(manifest, http))
  return { manifest, isCurrent }
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

/** Bytes of each file that are in storage, of an earlier visit. */
const presentSizes = (folder: Directory, files: readonly RemoteFile[]): Promise<number[]> =>
  Promise.all(
    files.map(async ({ name, size }) => {
      const present = await presentBytes(folder, name)
      return size === null ? present : Math.min(size, present)
    }),
  )

const missingBytes = async (folder: Directory, wanted: readonly RemoteFile[]): Promise<number> => {
  const present = await presentSizes(folder, wanted)
  return wanted.reduce((sum, { size }, at) => sum + Math.max(0, (size ?? 0) - present[at]!), 0)
}

const startProgress = (files: readonly RemoteFile[], { onProgress }: OpenModelOptions) => {
  const totalBytes = sumSizes(files)
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
