import { openAsBlob } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Directory } from '../storage/directory.ts'

const missing = (path: string) => new DOMException(`${path} does not exist`, 'NotFoundError')

const hasCode = (thrown: unknown, ...codes: string[]): boolean =>
  thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code))

/** Node's errors as OPFS names them, so that storage tells a missing file from a full disk. */
const asOpfs = (path: string, thrown: unknown): unknown => {
  if (hasCode(thrown, 'ENOENT')) return missing(path)
  if (hasCode(thrown, 'ENOSPC', 'EDQUOT')) return new DOMException(path, 'QuotaExceededError')
  return thrown
}

const translated = <Result>(path: string, work: Promise<Result>): Promise<Result> =>
  work.catch((thrown: unknown) => {
    throw asOpfs(path, thrown)
  })

/** Written beside the file and renamed when it is whole, which shows readers all of it or nothing. */
const createWritable = (path: string) => {
  const draft = `${path}.${process.pid}.part`
  return {
    write: (data: Uint8Array<ArrayBuffer> | string) => translated(path, writeFile(draft, data)),
    close: () => translated(path, rename(draft, path)),
    abort: () => rm(draft, { force: true }),
  }
}

const fileAt = (path: string) => ({
  getFile: async () => {
    await translated(path, stat(path))
    return openAsBlob(path)
  },
  createWritable: async () => createWritable(path),
})

/**
 * A folder on disk as the storage of models, in place of a page's private file system. Blobs of more
 * than 2 GiB are cut short by Node 20; storage keeps files in chunks far below that.
 */
export const openDiskDirectory = (path: string): Directory => ({
  getDirectoryHandle: async (name, { create = false } = {}) => {
    const inner = join(path, name)
    if (create) await translated(inner, mkdir(inner, { recursive: true }))
    else await translated(inner, stat(inner))
    return openDiskDirectory(inner)
  },
  getFileHandle: async (name, { create = false } = {}) => {
    const file = join(path, name)
    if (!create) await translated(file, stat(file))
    return fileAt(file)
  },
  removeEntry: (name, { recursive = false } = {}) =>
    translated(join(path, name), rm(join(path, name), { recursive })),
  keys: async function* () {
    yield* await translated(path, readdir(path))
  },
})
