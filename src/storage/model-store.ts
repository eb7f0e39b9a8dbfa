import { EngineError } from '../errors.ts'
import { type Directory, findFolder, readFile, remove, writeFile } from './directory.ts'
import { sha256Hex, type StoredFile } from './stored-file.ts'

/** All that is needed to use a stored model, written after every file of it is whole. */
export type Manifest = {
  readonly formatVersion: typeof formatVersion
  readonly id: string
  readonly files: readonly StoredFile[]
}

export type StoredModel = {
  readonly id: string
  /** Bytes of its files; null while it is not complete. */
  readonly totalBytes: number | null
}

/** The part of `navigator.storage` that asks for room. */
export type StorageQuota = {
  persist?(): Promise<boolean>
  estimate(): Promise<{ quota?: number; usage?: number }>
}

/** Models in the origin's private file system: one folder a model revision. */
export type ModelStore = {
  list(): Promise<StoredModel[]>
  /** Whether there was anything to delete. */
  delete(id: string): Promise<boolean>
  /** The manifest of a complete model, else null. */
  manifest(id: string): Promise<Manifest | null>
  /** The folder for a model's files; from here on they are not trusted until `commit`. */
  begin(id: string): Promise<Directory>
  commit(id: string, files: readonly StoredFile[]): Promise<Manifest>
  /** What is stored of a model, or null where nothing is. */
  find(id: string): Promise<Directory | null>
  /** The folder of a model that is there. */
  folder(id: string): Promise<Directory>
  /** @throws EngineError `storage` with the numbers where that many more bytes do not fit. */
  ensureSpace(id: string, bytes: number): Promise<void>
}

/** Manifests of another layout are not read: their models are fetched again. */
const formatVersion = 1
const manifestName = 'manifest.json'
const idName = 'id.txt'

export const createModelStore = (root: Directory, quota: StorageQuota | null): ModelStore => {
  const models = async () =>
    (await root.getDirectoryHandle('quire', { create: true })).getDirectoryHandle('models', {
      create: true,
    })
  const folder = async (id: string) =>
    (await models()).getDirectoryHandle(await folderName(id), { create: true })
  const store: ModelStore = {
    list: async () => {
      const all = await models()
      const found: StoredModel[] = []
      for await (const name of all.keys()) {
        const entry = await all.getDirectoryHandle(name)
        const id = await (await readFile(entry, idName))?.text()
        if (id === undefined) continue
        const manifest = await readManifest(entry, id)
        found.push({ id, totalBytes: manifest && sumSizes(manifest.files) })
      }
      return found
    },
    delete: async (id) => {
      const all = await models()
      const name = await folderName(id)
      const entry = await findFolder(all, name)
      if (!entry) return false
      // The manifest goes first: what a crash leaves behind must not look whole.
      await remove(entry, manifestName)
      await remove(all, name)
      return true
    },
    manifest: async (id) => {
      const entry = await store.find(id)
      return entry && readManifest(entry, id)
    },
    begin: async (id) => {
      const entry = await folder(id)
      await remove(entry, manifestName)
      await writeFile(entry, idName, id)
      return entry
    },
    commit: async (id, files) => {
      const manifest: Manifest = { formatVersion, id, files }
      await writeFile(await folder(id), manifestName, JSON.stringify(manifest))
      return manifest
    },
    find: async (id) => findFolder(await models(), await folderName(id)),
    folder,
    ensureSpace: async (id, bytes) => {
      if (!quota || bytes <= 0) return
      // Persistence keeps the browser from evicting the model; the answer changes nothing here.
      await quota.persist?.().catch(() => false)
      const { quota: limit, usage = 0 } = await quota.estimate()
      if (limit === undefined || bytes <= limit - usage) return
      throw noSpace(
        id,
        { needed: bytes, free: Math.max(0, limit - usage), limit },
        await store.list(),
      )
    },
  }
  return store
}

/** A folder name that every file system takes, and that is the id's own. */
const folderName = async (id: string): Promise<string> => {
  const hash = await sha256Hex(new TextEncoder().encode(id))
  return `${id.replaceAll(/[^\w.-]+/g, '_').slice(0, 64)}-${hash.slice(0, 16)}`
}

const readManifest = async (folder: Directory, id: string): Promise<Manifest | null> => {
  const text = await (await readFile(folder, manifestName))?.text()
  if (text === undefined) return null
  try {
    const manifest = JSON.parse(text) as Manifest
    return manifest.formatVersion === formatVersion && manifest.id === id ? manifest : null
  } catch {
    return null
  }
}

const sumSizes = (files: readonly { size: number }[]) =>
  files.reduce((sum, { size }) => sum + size, 0)

const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`

type Space = { readonly needed: number; readonly free: number; readonly limit: number }

const noSpace = (id: string, space: Space, stored: readonly StoredModel[]): EngineError => {
  const others = stored.filter((model) => model.id !== id).map((model) => model.id)
  return new EngineError(
    'storage',
    `${id} needs ${inMegabytes(space.needed)} more of the browser's storage, but this site has ` +
      `${inMegabytes(space.free)} left of ${inMegabytes(space.limit)}. ` +
      (others.length > 0 ? `Delete a stored model (${others.join(', ')}), free` : 'Free') +
      ' disk space, or choose a smaller model.',
    { details: { model: id, ...space } },
  )
}
