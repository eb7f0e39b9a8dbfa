import { expect, test } from 'vitest'
import type { Directory } from '../../../src/storage/directory.ts'
import {
  chunkName,
  openStoredFiles,
  sha256Hex,
  type StoredFile,
} from '../../../src/storage/stored-file.ts'
import { memoryDirectory } from './memory-directory.ts'

const chunkBytes = 64
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) % 255)

/** A blob that tells when it is read whole; slices of it are plain blobs. */
const countWhole = (blob: Blob, count: () => void): Blob =>
  Object.defineProperty(blob, 'arrayBuffer', {
    value: () => {
      count()
      return Blob.prototype.arrayBuffer.call(blob)
    },
  })

const setUp = async () => {
  const folder = memoryDirectory()
  const chunkHashes: string[] = []
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const chunk = bytes.slice(start, start + chunkBytes)
    folder.entries.set(chunkName('w', chunkHashes.length), { kind: 'file', bytes: chunk })
    chunkHashes.push(await sha256Hex(chunk))
  }
  const file: StoredFile = {
    name: 'w',
    url: 'https://x.test/w',
    size: 1000,
    version: null,
    chunkBytes,
    chunkHashes,
  }
  const refetched: number[] = []
  const refetch = async (_: StoredFile, index: number) => {
    refetched.push(index)
    return bytes.slice(index * chunkBytes, (index + 1) * chunkBytes)
  }
  /** Chunks read whole. */
  const counted: number[] = []
  const counting: Directory = {
    ...folder,
    getFileHandle: async (name, options) => {
      const handle = await folder.getFileHandle(name, options)
      const getFile = async () => countWhole(await handle.getFile(), () => counted.push(index))
      const index = Number(name.slice(-5))
      return { ...handle, getFile }
    },
  }
  const [source] = openStoredFiles(counting, [file], refetch)
  const read = (offset: number, length: number) => source!.read(offset, length)
  return { folder, refetched, counted, read }
}

test('any range comes out, across chunks too, in any order', async () => {
  const { read } = await setUp()
  for (const [offset, length] of [
    [0, 1000],
    [63, 2],
    [64, 64],
    [999, 1],
    [500, 300],
    [0, 0],
    [10, 5],
  ] as const) {
    expect(await read(offset, length)).toEqual(bytes.slice(offset, offset + length))
  }
})

test('reads at the same time do not disturb each other', async () => {
  const { read } = await setUp()
  const ranges = Array.from({ length: 40 }, (_, i) => [(i * 173) % 900, 100] as const)
  const all = await Promise.all(ranges.map(([offset, length]) => read(offset, length)))
  all.forEach((found, i) => expect(found).toEqual(bytes.slice(ranges[i]![0], ranges[i]![0] + 100)))
})

test('the chunk touched last is not read again', async () => {
  const { read, counted } = await setUp()
  for (let offset = 0; offset < 200; offset += 8) await read(offset, 8)
  expect(counted).toEqual([0, 1, 2, 3])
})

test('a chunk is checked once, after which only what is asked for is read', async () => {
  const { read, counted } = await setUp()
  for (let i = 0; i < 5; i++) {
    expect(await read(8, 8)).toEqual(bytes.slice(8, 16))
    expect(await read(208, 16)).toEqual(bytes.slice(208, 224))
  }
  expect(counted).toEqual([0, 3])
})

test('a chunk of another size or content, or none, is fetched again', async () => {
  const { read, folder, refetched } = await setUp()
  folder.entries.set(chunkName('w', 1), { kind: 'file', bytes: new Uint8Array(64) })
  folder.entries.set(chunkName('w', 2), { kind: 'file', bytes: bytes.slice(128, 160) })
  folder.entries.delete(chunkName('w', 15))
  expect(await read(0, 1000)).toEqual(bytes)
  expect(refetched).toEqual([1, 2, 15])
  folder.entries.set(chunkName('w', 3), { kind: 'file', bytes: bytes.slice(0, 3) })
  expect(await read(192, 64)).toEqual(bytes.slice(192, 256))
  expect(refetched).toEqual([1, 2, 15, 3])
})
