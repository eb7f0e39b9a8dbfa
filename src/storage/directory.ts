import { EngineError } from '../errors.ts'

/** The part of OPFS that storage needs: a FileSystemDirectoryHandle is one. */
export type Directory = {
  getDirectoryHandle(name: string, options?: { create?: boolean }): Promise<Directory>
  getFileHandle(name: string, options?: { create?: boolean }): Promise<StorageFile>
  removeEntry(name: string, options?: { recursive?: boolean }): Promise<void>
  keys(): AsyncIterableIterator<string>
}

type StorageFile = {
  getFile(): Promise<Blob>
  createWritable(): Promise<{
    write(data: Uint8Array<ArrayBuffer> | string): Promise<void>
    close(): Promise<void>
    abort(): Promise<void>
  }>
}

/**
 * The origin's private file system, or null where the browser has none, refuses it (Firefox in private
 * windows) or can't write to it outside dedicated workers (Safari before 26 has no createWritable).
 */
export const openStorageRoot = async (): Promise<Directory | null> => {
  if (typeof navigator === 'undefined' || !navigator.storage?.getDirectory) return null
  if (!('createWritable' in FileSystemFileHandle.prototype)) return null
  return navigator.storage.getDirectory().catch(() => null)
}

const isNotFound = (thrown: unknown) =>
  thrown instanceof DOMException && thrown.name === 'NotFoundError'

/** The error for what the file system throws. */
const storageError = (file: string, thrown: unknown): EngineError => {
  const isFull = thrown instanceof DOMException && thrown.name === 'QuotaExceededError'
  const reason = isFull
    ? 'the browser gives this site no more space. Delete a stored model, free disk space, or choose a ' +
      'smaller model'
    : `${thrown instanceof Error ? thrown.message : String(thrown)}. Try again; if it stays so, delete ` +
      'the stored model'
  return new EngineError('storage', `Could not use ${file} in the browser's storage: ${reason}.`, {
    details: { file, quotaExceeded: isFull },
    cause: thrown,
  })
}

/** A folder within a folder, or null where it does not exist. */
export const findFolder = async (parent: Directory, name: string): Promise<Directory | null> => {
  try {
    return await parent.getDirectoryHandle(name)
  } catch (thrown) {
    if (isNotFound(thrown)) return null
    throw storageError(name, thrown)
  }
}

/** A file's content, or null where it does not exist. */
export const readFile = async (folder: Directory, name: string): Promise<Blob | null> => {
  try {
    return await (await folder.getFileHandle(name)).getFile()
  } catch (thrown) {
    if (isNotFound(thrown)) return null
    throw storageError(name, thrown)
  }
}

/** Writes a whole file. Its content appears at once when all is written, or not at all. */
export const writeFile = async (
  folder: Directory,
  name: string,
  data: Uint8Array<ArrayBuffer> | string,
): Promise<void> => {
  try {
    const handle = await folder.getFileHandle(name, { create: true })
    const writable = await handle.createWritable()
    try {
      await writable.write(data)
      await writable.close()
    } catch (thrown) {
      await writable.abort().catch(() => undefined)
      throw thrown
    }
  } catch (thrown) {
    throw storageError(name, thrown)
  }
}

/** Removes a file or a folder with all that is in it; one that does not exist is no error. */
export const remove = async (folder: Directory, name: string): Promise<void> => {
  try {
    await folder.removeEntry(name, { recursive: true })
  } catch (thrown) {
    if (!isNotFound(thrown)) throw storageError(name, thrown)
  }
}
