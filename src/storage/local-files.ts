import { EngineError } from '../errors.ts'
import { blobByteSource, type ByteSource, type ModelSource } from './byte-source.ts'
import { createFileSource } from './file-source.ts'
import { ggufFileNames } from './gguf-files.ts'

/** The part of a FileSystemDirectoryHandle that a model is read through. */
export type FolderHandle = {
  readonly kind: 'directory'
  readonly name: string
  values(): AsyncIterable<{ readonly kind: 'file' | 'directory'; readonly name: string }>
  getFileHandle(name: string): Promise<{ getFile(): Promise<File> }>
  getDirectoryHandle(name: string): Promise<FolderHandle>
}

/** Files that a user has picked, by their paths in the model's folder. */
export type PickedFiles = {
  readonly name: string
  readonly files: readonly { readonly path: string; readonly file: File }[]
}

/** A model on the user's own disk: its folder, the files of it, or a GGUF file. */
export type LocalModel = FolderHandle | PickedFiles | File

/** Folders of a model's folder are looked into, those in them are not. */
const maxDepth = 2

const readable = async (path: string, read: () => Promise<Blob>): Promise<ByteSource> => {
  const file = await read().catch((thrown: unknown) => refuseUnreadable(path, thrown))
  const source = blobByteSource(path, file)
  return {
    ...source,
    // Browsers refuse to read a file that was changed after it was picked.
    read: (offset, length) =>
      source
        .read(offset, length)
        .catch((thrown: unknown) =>
          thrown instanceof EngineError ? Promise.reject(thrown) : refuseUnreadable(path, thrown),
        ),
  }
}

const refuseUnreadable = (path: string, thrown: unknown): never => {
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  throw new EngineError(
    'storage',
    `${path} can't be read from your disk: ${reason}. It may have changed or moved since it was ` +
      'picked, or the page may need permission again (handle.requestPermission() in a click): pick ' +
      'it once more.',
    { details: { file: path }, cause: thrown },
  )
}

type Openers = Map<string, () => Promise<ByteSource>>

const listFolder = async (folder: FolderHandle, prefix = '', depth = 1): Promise<Openers> => {
  const openers: Openers = new Map()
  for await (const { kind, name } of folder.values()) {
    const path = `${prefix}${name}`
    if (kind === 'file') {
      const getFile = async () => (await folder.getFileHandle(name)).getFile()
      openers.set(path, () => readable(path, getFile))
    } else if (depth < maxDepth) {
      const inner = await listFolder(await folder.getDirectoryHandle(name), `${path}/`, depth + 1)
      for (const [innerPath, open] of inner) openers.set(innerPath, open)
    }
  }
  return openers
}

const listPicked = ({ files }: PickedFiles): Openers =>
  new Map(files.map(({ path, file }) => [path, () => readable(path, async () => file)]))

/** A folder with config.json is of the Hugging Face layout; else its GGUF file is the model. */
const findGguf = (name: string, files: readonly string[]): string | null => {
  if (files.includes('config.json')) return null
  const models = new Set(
    files.filter((file) => /^[^/]+\.gguf$/i.test(file)).map((file) => ggufFileNames(file)[0]!),
  )
  const [only] = models
  if (only !== undefined && models.size === 1) return only
  throw new EngineError(
    models.size === 0 ? 'file-not-found' : 'invalid-request',
    models.size === 0
      ? `${name} has no config.json and no GGUF file. Pick the folder of a model that holds ` +
          'config.json, tokenizer.json and safetensors weights, or a .gguf file.'
      : `${name} has ${models.size} GGUF models: ${[...models].join(', ')}. Pick one of these files ` +
          'instead of the folder.',
    { details: { folder: name } },
  )
}

/** The name that a local model is served under. */
export const localModelName = ({ name }: LocalModel): string => name || 'local-model'

const isFile = (model: LocalModel): model is File => model instanceof Blob

const isFolder = (model: FolderHandle | PickedFiles): model is FolderHandle => 'kind' in model

/**
 * Opens a model on the user's disk. Nothing is copied: files are read by range where they lie.
 *
 * @throws EngineError `invalid-request` for a file that is no GGUF file or a folder of several,
 * `file-not-found` for a folder without a model, `storage` for what the browser may not read.
 */
export const openLocalModel = async (model: LocalModel): Promise<ModelSource> => {
  const name = localModelName(model)
  if (isFile(model)) {
    if (!/\.gguf$/i.test(name)) {
      throw new EngineError(
        'invalid-request',
        `model is the file ${name}; of single files only .gguf ones are whole models. Pick the ` +
          'folder that it lies in.',
        { details: { parameter: 'model', file: name } },
      )
    }
    const openers: Openers = new Map([[name, () => readable(name, async () => model)]])
    return createFileSource({ id: name, ggufFile: name, place: '' }, openers)
  }
  const list = async () => (isFolder(model) ? listFolder(model) : listPicked(model))
  const openers = await list().catch((thrown: unknown) => refuseUnreadable(name, thrown))
  const ggufFile = findGguf(name, [...openers.keys()])
  return createFileSource({ id: name, ggufFile, place: `${name}/` }, openers)
}
