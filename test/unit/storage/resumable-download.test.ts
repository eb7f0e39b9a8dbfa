import { expect, test } from 'vitest'
import { createHttp } from '../../../src/storage/http.ts'
import type { RemoteFile } from '../../../src/storage/remote-model.ts'
import { downloadFile } from '../../../src/storage/resumable-download.ts'
import { readChunk, sha256Hex } from '../../../src/storage/stored-file.ts'
import { filesOf, memoryDirectory } from './memory-directory.ts'
import { memoryServer } from './memory-server.ts'

const url = 'https://x.test/w'
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) % 251)
const chunkBytes = 64

const setUp = (folder = memoryDirectory()) => {
  const files = new Map([[url, { bytes, etag: '"1"' }]])
  const server = memoryServer(files)
  const abort = new AbortController()
  const waits: number[] = []
  const wait = async (milliseconds: number) => void waits.push(milliseconds)
  const { fetch } = server
  const http = createHttp({ fetch, signal: abort.signal, wait, stallMilliseconds: 30 })
  const file: RemoteFile = { name: 'w', url, size: bytes.length, version: '"1"', sha256: null }
  const progress: number[] = []
  const download = (changes: Partial<RemoteFile> = {}) =>
    downloadFile({
      folder,
      file: { ...file, ...changes },
      http,
      onProgress: (loaded) => progress.push(loaded),
      chunkBytes,
    })
  const content = () => {
    const chunks = [...filesOf(folder)].filter(([path]) => /\.\d{5}$/.test(path))
    const ordered = chunks.toSorted(([a], [b]) => a.localeCompare(b))
    return new Uint8Array(ordered.flatMap(([, chunk]) => [...chunk]))
  }
  return { ...server, files, folder, abort, waits, progress, download, content }
}

test('stores a file in chunks with their hashes', async () => {
  const { download, content, folder, progress, requests } = setUp()
  const stored = await download()
  expect(content()).toEqual(bytes)
  expect(stored).toMatchObject({ size: 1000, version: '"1"', chunkBytes: 64 })
  expect(stored.chunkHashes).toHaveLength(16)
  expect(await readChunk(folder, stored, 15)).toEqual(bytes.slice(960))
  expect(progress.at(-1)).toBe(1000)
  expect(requests).toHaveLength(1)
})

test('goes on at the very byte where the connection broke', async () => {
  const { download, content, faults, requests, progress, waits } = setUp()
  Object.assign(faults, { breakAfter: 150, breaks: 3 })
  await download()
  expect(content()).toEqual(bytes)
  expect(requests.map(({ range }) => range)).toEqual([
    null,
    'bytes=150-',
    'bytes=300-',
    'bytes=450-',
  ])
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  expect(waits).toEqual([500, 500, 500])
})

test('gives up after five failures without a byte between them', async () => {
  const { download, faults, requests, waits } = setUp()
  Object.assign(faults, { breakAfter: 0, breaks: 100 })
  await expect(download()).rejects.toMatchObject({ code: 'network' })
  expect(requests).toHaveLength(5)
  expect(waits).toEqual([500, 1000, 2000, 4000])
})

test('resumes at whole chunks after an abort in the middle', async () => {
  const folder = memoryDirectory()
  const first = setUp(folder)
  Object.assign(first.faults, { breakAfter: 300, breaks: 1 })
  const failing = downloadFile({
    folder,
    file: { name: 'w', url, size: 1000, version: '"1"', sha256: null },
    http: createHttp({
      fetch: first.fetch,
      signal: first.abort.signal,
      wait: async () => first.abort.abort(),
    }),
    chunkBytes,
  })
  await expect(failing).rejects.toMatchObject({ code: 'aborted' })
  const later = setUp(folder)
  await later.download()
  expect(later.requests.map(({ range }) => range)).toEqual(['bytes=256-'])
  expect(later.progress[0]).toBe(256)
  expect(later.content()).toEqual(bytes)
})

test('a finished file is not fetched again, another version is', async () => {
  const folder = memoryDirectory()
  await setUp(folder).download()
  const again = setUp(folder)
  await again.download()
  expect(again.requests).toHaveLength(0)
  const changed = setUp(folder)
  changed.files.set(url, { bytes: bytes.slice(0, 500), etag: '"2"' })
  await changed.download({ version: '"2"', size: 500 })
  expect(changed.requests.map(({ range }) => range)).toEqual([null])
  expect(changed.content()).toEqual(bytes.slice(0, 500))
})

test('a server without ranges starts over', async () => {
  const { download, content, faults, requests } = setUp()
  Object.assign(faults, { breakAfter: 700, breaks: 2, noRanges: true })
  await download()
  expect(content()).toEqual(bytes)
  expect(requests).toHaveLength(3)
})

test('a size that nobody told is found out at the end', async () => {
  const { download, content } = setUp()
  expect(await download({ size: null })).toMatchObject({ size: 1000 })
  expect(content()).toEqual(bytes)
})

test('an empty file needs no request', async () => {
  const { download, requests } = setUp()
  expect(await download({ size: 0 })).toMatchObject({ size: 0, chunkHashes: [] })
  expect(requests).toHaveLength(0)
})

test('a file longer than announced is refused', async () => {
  const { download } = setUp()
  for (const size of [10, 999]) {
    await expect(download({ size })).rejects.toMatchObject({ code: 'invalid-file' })
  }
})

test("a file that fails the hub's SHA-256 is fetched once more", async () => {
  const { download, content, requests, files } = setUp()
  const sha256 = await sha256Hex(bytes)
  const altered = { bytes: bytes.map((byte) => byte ^ 1), etag: '"1"' }
  files.get = () => (requests.length === 1 ? altered : { bytes, etag: '"1"' })
  await download({ sha256 })
  expect(content()).toEqual(bytes)
  expect(requests).toHaveLength(2)
})

test('a file that fails it twice is refused and not kept', async () => {
  const { download, content, requests } = setUp()
  await expect(download({ sha256: 'ab'.repeat(32) })).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringContaining('SHA-256'),
  })
  expect(requests).toHaveLength(2)
  expect(content()).toHaveLength(0)
})

test('a busy server is asked again, a missing file is not', async () => {
  const { download, content, faults, requests, files } = setUp()
  faults.statuses = 2
  await download()
  expect(content()).toEqual(bytes)
  expect(requests).toHaveLength(3)
  files.clear()
  await expect(download({ version: null })).rejects.toMatchObject({ code: 'file-not-found' })
  expect(requests).toHaveLength(4)
})

test('a body that stalls counts as a broken connection', async () => {
  const stalls = setUp()
  let stalled = false
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (stalled) return stalls.fetch(input, init)
    stalled = true
    return new Response(
      new ReadableStream({ start: (controller) => controller.enqueue(bytes.slice(0, 100)) }),
    )
  }
  const http = createHttp({ fetch, wait: async () => undefined, stallMilliseconds: 20 })
  const file = { name: 'w', url, size: 1000, version: '"1"', sha256: null }
  await downloadFile({ folder: stalls.folder, file, http, chunkBytes })
  expect(stalls.requests.map(({ range }) => range)).toEqual(['bytes=100-'])
  expect(stalls.content()).toEqual(bytes)
})

test('a body that ends early without an error is gone on with', async () => {
  const { fetch, folder, content, requests } = setUp()
  const shortened: typeof globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init)
    return requests.length === 1 ? new Response(bytes.slice(0, 100)) : response
  }
  const http = createHttp({ fetch: shortened, wait: async () => undefined })
  const file = { name: 'w', url, size: 1000, version: '"1"', sha256: null }
  await downloadFile({ folder, file, http, chunkBytes })
  expect(requests.map(({ range }) => range)).toEqual([null, 'bytes=100-'])
  expect(content()).toEqual(bytes)
})

test('full storage is said so', async () => {
  await expect(setUp(memoryDirectory(32)).download()).rejects.toMatchObject({
    code: 'storage',
    details: { quotaExceeded: true },
  })
})
