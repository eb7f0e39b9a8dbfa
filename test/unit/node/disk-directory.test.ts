import { mkdtemp, readdir, rm, writeFile as writeNode } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDiskDirectory } from '../../../src/node/disk-directory.ts'
import { findFolder, readFile, remove, writeFile } from '../../../src/storage/directory.ts'
import { openModelSource } from '../../../src/storage/model-source.ts'
import { createModelStore } from '../../../src/storage/model-store.ts'
import { memoryServer } from '../storage/memory-server.ts'

let path = ''

const bytes = (text: string) => new TextEncoder().encode(text)

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'quire-disk-'))
})

afterEach(() => rm(path, { recursive: true }))

it('keeps files and folders', async () => {
  const root = openDiskDirectory(path)
  const inner = await root.getDirectoryHandle('inner', { create: true })
  await writeFile(inner, 'a', 'text')
  await writeFile(inner, 'b', new Uint8Array([1, 2, 3]))
  const found = await findFolder(openDiskDirectory(path), 'inner')
  expect(await (await readFile(found!, 'a'))?.text()).toBe('text')
  const blob = await readFile(found!, 'b')
  expect(blob?.size).toBe(3)
  expect([...new Uint8Array(await blob!.slice(1, 3).arrayBuffer())]).toEqual([2, 3])
  const names: string[] = []
  for await (const name of inner.keys()) names.push(name)
  expect(names.toSorted()).toEqual(['a', 'b'])
})

it('tells what is missing from what is broken', async () => {
  const root = openDiskDirectory(path)
  expect(await findFolder(root, 'none')).toBeNull()
  expect(await readFile(root, 'none')).toBeNull()
  await remove(root, 'none')
  await writeNode(join(path, 'file'), '')
  const inFile = openDiskDirectory(join(path, 'file'))
  await expect(writeFile(inFile, 'x', 'text')).rejects.toMatchObject({ code: 'storage' })
})

it('replaces a file at once, and leaves no drafts', async () => {
  const root = openDiskDirectory(path)
  await writeFile(root, 'a', 'old')
  const writable = await (await root.getFileHandle('a')).createWritable()
  await writable.write('new')
  expect(await (await readFile(root, 'a'))?.text()).toBe('old')
  await writable.close()
  expect(await (await readFile(root, 'a'))?.text()).toBe('new')
  const given = await (await root.getFileHandle('a')).createWritable()
  await given.write('worse')
  await given.abort()
  expect(await readdir(path)).toEqual(['a'])
})

it('removes folders with all that is in them', async () => {
  const root = openDiskDirectory(path)
  await writeFile(await root.getDirectoryHandle('inner', { create: true }), 'a', 'text')
  await remove(root, 'inner')
  expect(await readdir(path)).toEqual([])
})

it('stores models: the second time nothing is fetched but versions', async () => {
  const base = 'https://hub.test/model/'
  const weights = Uint8Array.from({ length: 5000 }, (_, i) => i % 251)
  const server = memoryServer(
    new Map([
      [`${base}config.json`, { bytes: bytes('{"a": 1}'), etag: '"c"' }],
      [`${base}tokenizer.json`, { bytes: bytes('{}'), etag: '"t"' }],
      [`${base}model.safetensors`, { bytes: weights, etag: '"w"' }],
    ]),
  )
  const root = openDiskDirectory(path)
  for (let visit = 1; visit <= 2; visit++) {
    const requests = server.requests.length
    const source = await openModelSource(base, { fetch: server.fetch, root })
    expect(await source.readJson('config.json')).toEqual({ a: 1 })
    const file = await source.open('model.safetensors')
    expect(await file.read(100, 200)).toEqual(weights.slice(100, 300))
    await source.close()
    const later = server.requests.slice(requests)
    if (visit === 2) expect(later.filter(({ range }) => range !== 'bytes=0-0')).toEqual([])
  }
  const [stored] = await createModelStore(root, null).list()
  expect(stored).toMatchObject({ id: base, totalBytes: 5010 })
})
