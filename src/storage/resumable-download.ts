import { EngineError } from '../errors.ts'
import { fileNotFound } from './byte-source.ts'
import { type Directory, readFile, remove, writeFile } from './directory.ts'
import { type Http, isMissing, maxFailures } from './http.ts'
import type { RemoteFile } from './remote-model.ts'
import {
  brokenFile,
  chunkName,
  flatName,
  chunkRange,
  defaultChunkBytes,
  sha256Hex,
  type StoredFile,
} from './stored-file.ts'

export type DownloadOptions = {
  readonly folder: Directory
  readonly file: RemoteFile
  readonly http: Http
  /** Called with the bytes of this file that are here, those of an earlier try included. */
  readonly onProgress?: ((loadedBytes: number) => void) | undefined
  readonly chunkBytes?: number
}

/** Files up to this size are hashed whole: WebCrypto needs a message in one piece. */
const maxHashedBytes = 64 * 1024 * 1024

/**
 * Brings one file into storage. Goes on where an earlier download of the same version stopped, and where
 * the connection broke; a server without byte ranges starts over. A file that differs from the hub's
 * SHA-256 is fetched once more.
 *
 * @throws EngineError `file-not-found`, `network`, `aborted`, `storage`, `invalid-file`.
 */
export const downloadFile = async (options: DownloadOptions): Promise<StoredFile> => {
  const { folder, file } = options
  for (let attempt = 1; ; attempt++) {
    const stored = await transfer(options)
    const hash = file.sha256 === null ? null : await hashWhole(folder, stored)
    if (hash === null || hash === file.sha256) return stored
    await removeFile(folder, file.name)
    if (attempt === 2) {
      throw new EngineError(
        'invalid-file',
        `${file.name} arrived twice with another SHA-256 than the hub lists (${hash}, not ` +
          `${file.sha256}). Something between here and ${file.url} alters it: try another network.`,
        { details: { file: file.name, url: file.url } },
      )
    }
  }
}

/** Fetches one damaged chunk again, checks it and stores it. */
export const refetchChunk = async (
  folder: Directory,
  file: StoredFile,
  index: number,
  http: Http,
): Promise<Uint8Array> => {
  const { start, length } = chunkRange(file, index)
  const fetched = async () => {
    const response = await http.request(file.url, { range: [start, start + length - 1] })
    if (isMissing(response)) throw new Error(`the server answered ${response.status}`)
    const body = await response.blob()
    return (response.status === 206 ? body : body.slice(start, start + length)).arrayBuffer()
  }
  const bytes = await fetched().then(
    (buffer) => new Uint8Array(buffer),
    (cause: unknown) => {
      if (cause instanceof EngineError && cause.code === 'aborted') throw cause
      throw brokenFile(file, "it can't be fetched again now", cause)
    },
  )
  if ((await sha256Hex(bytes)) !== file.chunkHashes[index]) {
    throw brokenFile(file, 'the file has changed where it came from')
  }
  await writeFile(folder, chunkName(file.name, index), bytes)
  return bytes
}

/** Bytes in storage of a file, those of an unfinished download included. */
export const presentBytes = async (folder: Directory, name: string): Promise<number> => {
  let bytes = 0
  for (let index = 0; ; index++) {
    const blob = await readFile(folder, chunkName(name, index))
    if (blob === null) return bytes
    bytes += blob.size
  }
}

/** Removes what is stored of a file, an unfinished download included. */
export const removeFile = async (folder: Directory, name: string): Promise<void> => {
  await remove(folder, versionName(name))
  for (let index = 0; (await readFile(folder, chunkName(name, index))) !== null; index++) {
    await remove(folder, chunkName(name, index))
  }
}

/** Holds which version of the file the chunks belong to. */
const versionName = (name: string) => `${flatName(name)}.version`

/** The chunk files of a download, and the bytes on their way to the next one. */
type Chunks = {
  received(): number
  append(bytes: Uint8Array): Promise<void>
  restart(): Promise<void>
  /** Stores the last, shorter chunk. */
  finish(): Promise<string[]>
}

const openChunks = async (
  { folder, file }: DownloadOptions,
  chunkBytes: number,
): Promise<Chunks> => {
  const version = JSON.stringify([file.version, file.size, chunkBytes])
  const hashes: string[] = []
  const buffer = new Uint8Array(Math.min(chunkBytes, file.size ?? chunkBytes))
  let stored = 0
  let filled = 0
  const count = async (bytes: Uint8Array<ArrayBuffer>) => {
    hashes.push(await sha256Hex(bytes))
    stored += bytes.length
    filled = 0
  }
  const store = async () => {
    const bytes = buffer.slice(0, filled)
    await writeFile(folder, chunkName(file.name, hashes.length), bytes)
    await count(bytes)
  }
  const restart = async () => {
    await removeFile(folder, file.name)
    await writeFile(folder, versionName(file.name), version)
    hashes.length = 0
    stored = 0
    filled = 0
  }
  const begun = await (await readFile(folder, versionName(file.name)))?.text()
  if (file.version === null || begun !== version) await restart()
  for (;;) {
    const blob = await readFile(folder, chunkName(file.name, hashes.length))
    const isWhole = blob?.size === chunkBytes || stored + (blob?.size ?? 0) === file.size
    if (!blob || blob.size === 0 || !isWhole) break
    await count(new Uint8Array(await blob.arrayBuffer()))
  }
  return {
    received: () => stored + filled,
    append: async (bytes) => {
      for (let taken = 0; taken < bytes.length;) {
        const part = bytes.subarray(taken, taken + buffer.length - filled)
        buffer.set(part, filled)
        filled += part.length
        taken += part.length
        if (filled === chunkBytes) await store()
      }
    },
    restart,
    finish: async () => {
      if (filled > 0) await store()
      return hashes
    },
  }
}

const transfer = async (options: DownloadOptions): Promise<StoredFile> => {
  const { file, http, onProgress, chunkBytes = defaultChunkBytes } = options
  const chunks = await openChunks(options, chunkBytes)
  onProgress?.(chunks.received())
  for (let failures = 0; file.size === null || chunks.received() < file.size;) {
    const before = chunks.received()
    try {
      await receive(options, chunks)
      if (file.size === null) break
      if (chunks.received() < file.size) throw new Error('the connection ended early')
    } catch (thrown) {
      if (thrown instanceof EngineError) throw thrown
      const error = http.bodyError(file.url, thrown)
      failures = chunks.received() > before ? 1 : failures + 1
      if (error.code === 'aborted' || failures >= maxFailures) throw error
      await http.backOff(failures)
    }
  }
  const { name, url, version } = file
  const chunkHashes = await chunks.finish()
  return { name, url, size: chunks.received(), version, chunkBytes, chunkHashes }
}

/** One request: appends the rest of the file as far as it comes. */
const receive = async ({ file, http, onProgress }: DownloadOptions, chunks: Chunks) => {
  const start = chunks.received()
  // No If-Range: it would need a CORS preflight, which content networks refuse. The version is compared
  // before the download instead, and the hashes after it.
  const response = await http.request(file.url, start > 0 ? { range: [start] } : {})
  if (response.status === 416) {
    await chunks.restart()
    throw new Error('the server refused to go on from where the download stopped')
  }
  if (isMissing(response)) {
    const hint = 'Check that the model is complete there, and that it is public.'
    throw fileNotFound(file.name, file.url, hint)
  }
  if (start > 0 && response.status !== 206) await chunks.restart()
  const reader = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const bytes = await http.nextBytes(reader)
      if (bytes === null) return
      checkSize(file, chunks.received() + bytes.length)
      await chunks.append(bytes)
      onProgress?.(chunks.received())
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}

const checkSize = (file: RemoteFile, received: number): void => {
  if (file.size === null || received <= file.size) return
  throw new EngineError(
    'invalid-file',
    `${file.name} is longer than the ${file.size} bytes that the server announced (${file.url}). ` +
      'It may have changed just now: try again.',
    { details: { file: file.name, url: file.url, size: file.size } },
  )
}

/** SHA-256 of a stored file, or null for one too large to hash in one piece. */
const hashWhole = async (folder: Directory, file: StoredFile): Promise<string | null> => {
  if (file.chunkHashes.length === 1) return file.chunkHashes[0] ?? null
  if (file.size > maxHashedBytes) return null
  const names = file.chunkHashes.map((_, index) => chunkName(file.name, index))
  const parts = await Promise.all(names.map((name) => readFile(folder, name)))
  const whole = new Blob(parts.filter((part) => part !== null))
  return sha256Hex(new Uint8Array(await whole.arrayBuffer()))
}
