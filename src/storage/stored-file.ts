// A stored file is a row of chunk files `<name>.00000`, `<name>.00001`, ... The asynchronous OPFS calls
// (the only ones that a SharedWorker has) keep nothing of a file before it is closed, and appending
// copies what is there; so each chunk is written once, and an interrupted download loses one at most.
import { EngineError } from '../errors.ts'
import { type ByteSource, checkRange } from './byte-source.ts'
import { type Directory, readFile } from './directory.ts'

/** Bytes of a chunk. One of them stays in memory while a model is read. */
export const defaultChunkBytes = 16 * 1024 * 1024

/** What the manifest knows of a file. */
export type StoredFile = {
  readonly name: string
  readonly url: string
  readonly size: number
  readonly version: string | null
  readonly chunkBytes: number
  /** SHA-256 of each chunk, hex. */
  readonly chunkHashes: readonly string[]
}

/** A file of a folder of the model lies beside the others. */
export const flatName = (name: string): string => name.replaceAll('/', '~')

export const chunkName = (name: string, index: number): string =>
  `${flatName(name)}.${String(index).padStart(5, '0')}`

/** SHA-256 as hex. WebCrypto takes a message in one piece only. */
export const sha256Hex = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Where a chunk lies in its file: first byte and length. */
export const chunkRange = (file: StoredFile, index: number): { start: number; length: number } => {
  const start = index * file.chunkBytes
  return { start, length: Math.min(file.chunkBytes, file.size - start) }
}

/** A chunk's bytes, or null where they are not those that were stored. */
export const readChunk = async (
  folder: Directory,
  file: StoredFile,
  index: number,
): Promise<Uint8Array<ArrayBuffer> | null> => {
  const blob = await readFile(folder, chunkName(file.name, index))
  if (blob?.size !== chunkRange(file, index).length) return null
  const bytes = new Uint8Array(await blob.arrayBuffer())
  return (await sha256Hex(bytes)) === file.chunkHashes[index] ? bytes : null
}

/**
 * Stored files as byte sources. A chunk is checked against its hash when it is first touched; one that
 * does not match is fetched again by `refetch`, which checks and stores it. After that only the bytes
 * asked for are read. The chunk checked last stays in memory, one for all the files.
 */
export const openStoredFiles = (
  folder: Directory,
  files: readonly StoredFile[],
  refetch: (file: StoredFile, index: number) => Promise<Uint8Array>,
): ByteSource[] => {
  const checked = new Set<string>()
  let latest: { readonly name: string; readonly bytes: Promise<Uint8Array> } | null = null
  const load = async (file: StoredFile, index: number) => {
    const bytes = (await readChunk(folder, file, index)) ?? (await refetch(file, index))
    checked.add(chunkName(file.name, index))
    return bytes
  }
  type Part = { readonly index: number; readonly start: number; readonly end: number }
  // Copies instead of handing out a view: nobody else then keeps a chunk from being collected.
  const copyPart = async (file: StoredFile, { index, start, end }: Part, target: Uint8Array) => {
    const name = chunkName(file.name, index)
    if (latest?.name !== name && checked.has(name)) {
      const blob = await readFile(folder, name)
      if (blob?.size === chunkRange(file, index).length) {
        return target.set(new Uint8Array(await blob.slice(start, end).arrayBuffer()))
      }
    }
    if (latest?.name !== name) {
      const bytes = load(file, index)
      latest = { name, bytes }
      bytes.catch(() => (latest = null))
    }
    target.set((await latest.bytes).subarray(start, end))
  }
  const read = async (file: StoredFile, offset: number, length: number) => {
    const result = new Uint8Array(length)
    for (let filled = 0; filled < length;) {
      const index = Math.floor((offset + filled) / file.chunkBytes)
      const start = offset + filled - index * file.chunkBytes
      const end = Math.min(file.chunkBytes, start + length - filled)
      await copyPart(file, { index, start, end }, result.subarray(filled))
      filled += end - start
    }
    return result
  }
  return files.map((file) => {
    const source: ByteSource = {
      name: file.name,
      size: file.size,
      read: async (offset, length) => {
        checkRange(source, offset, length)
        return read(file, offset, length)
      },
    }
    return source
  })
}

/** The error for a stored file that is broken and could not be replaced. */
export const brokenFile = (file: StoredFile, reason: string, cause?: unknown): EngineError =>
  new EngineError(
    'invalid-file',
    `The stored copy of ${file.name} is damaged, and ${reason} (${file.url}). Delete the stored model ` +
      'and download it again.',
    { details: { file: file.name, url: file.url }, cause },
  )
