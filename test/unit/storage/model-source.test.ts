import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Directory } from '../../../src/storage/directory.ts'
import {
  type DownloadProgress,
  inspectModelSource,
  type ModelSource,
  openModelSource,
} from '../../../src/storage/model-source.ts'
import { createModelStore, type StorageQuota } from '../../../src/storage/model-store.ts'
import { sha256Hex } from '../../../src/storage/stored-file.ts'
import { filesOf, memoryDirectory } from './memory-directory.ts'
import { memoryServer, type ServerFile } from './memory-server.ts'

const folderURL = 'https://page.test/model/'
const text = (content: string) => new TextEncoder().encode(content)
const weights = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 253)
const config = { model_type: 'qwen3' }

const folderFiles = (): Map<string, ServerFile> =>
  new Map([
    [`${folderURL}config.json`, { bytes: text(JSON.stringify(config)), etag: '"c"' }],
    [`${folderURL}tokenizer.json`, { bytes: text('{}'), etag: '"t"' }],
    [`${folderURL}model.safetensors`, { bytes: weights, etag: '"w"' }],
  ])

type Change = {
  quota?: StorageQuota
  onProgress?: (progress: DownloadProgress) => void
  beforeDownload?: (source: ModelSource) => Promise<void>
}

const setUp = (files = folderFiles(), root: Directory | null = memoryDirectory()) => {
  const server = memoryServer(files)
  const open = (model = './model/', more: Change = {}) =>
    openModelSource(model, {
      fetch: server.fetch,
      baseURL: 'https://page.test/index.html',
      root,
      wait: async () => undefined,
      ...more,
    })
  return { ...server, files, root, open }
}

const notFound = (file: string) =>
  expect.objectContaining({ code: 'file-not-found', message: expect.stringContaining(file) })

for (const storage of ['OPFS', 'no storage']) {
  const root = () => (storage === 'OPFS' ? memoryDirectory() : null)

  test(`with ${storage}: reads a folder's files`, async () => {
    const source = await setUp(folderFiles(), root()).open()
    expect(source.id).toBe(folderURL)
    expect(await source.readJson('config.json')).toEqual(config)
    expect(await source.readText('generation_config.json')).toBeNull()
    expect(await source.has('tokenizer.json')).toBe(true)
    const file = await source.open('model.safetensors')
    expect(file.size).toBe(5000)
    expect(await file.read(123, 456)).toEqual(weights.slice(123, 579))
    await expect(file.read(4999, 2)).rejects.toMatchObject({ code: 'invalid-file' })
    await expect(source.open('other.bin')).rejects.toEqual(notFound('other.bin'))
  })

  test(`with ${storage}: brings all files that tokens and templates may lie in`, async () => {
    const names = [
      'generation_config.json',
      'tokenizer_config.json',
      'special_tokens_map.json',
      'chat_template.jinja',
      'chat_template.json',
      'additional_chat_templates/tool_use.jinja',
    ]
    const files = folderFiles()
    for (const name of names) files.set(folderURL + name, { bytes: text(name), etag: `"${name}"` })
    const source = await setUp(files, root()).open()
    for (const name of names) expect(await source.readText(name)).toBe(name)
  })

  for (const pageForMissing of [false, true]) {
    const answer = pageForMissing ? 'a page' : '404'
    test(`with ${storage}: a missing file answered by ${answer} is missing`, async () => {
      const { open, files, faults, requests } = setUp(folderFiles(), root())
      faults.pageForMissing = pageForMissing
      expect(await (await open()).has('chat_template.jinja')).toBe(false)
      files.delete(`${folderURL}model.safetensors`)
      files.delete(`${folderURL}config.json`)
      const other = setUp(files, root())
      other.faults.pageForMissing = pageForMissing
      await expect(other.open()).rejects.toEqual(notFound(`${folderURL}config.json`))
      expect(requests.length).toBeGreaterThan(0)
    })
  }

  test(`with ${storage}: a server that can't be reached is named`, async () => {
    const { open, faults, requests } = setUp(folderFiles(), root())
    faults.offline = true
    await expect(open()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining(folderURL),
    })
    expect(requests.length).toBeGreaterThanOrEqual(5)
  })

  test(`with ${storage}: copes with servers that hide ranges, have none or tell no size`, async () => {
    for (const fault of ['hiddenRange', 'noRanges', 'noLength'] as const) {
      const { open, faults, requests } = setUp(folderFiles(), root())
      faults[fault] = true
      const file = await (await open()).open('model.safetensors')
      expect(file.size).toBe(5000)
      expect(await file.read(4000, 1000)).toEqual(weights.slice(4000))
      expect(await file.read(0, 8)).toEqual(weights.slice(0, 8))
      // The size of a hidden range comes by HEAD.
      expect(requests.some(({ method }) => method === 'HEAD')).toBe(
        fault !== 'noRanges' && fault !== 'noLength',
      )
    }
  })

  test(`with ${storage}: opens the shards that the index lists`, async () => {
    const files = folderFiles()
    files.delete(`${folderURL}model.safetensors`)
    const index = { weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } }
    const bytes = text(JSON.stringify(index))
    files.set(`${folderURL}model.safetensors.index.json`, { bytes })
    files.set(`${folderURL}model-1.safetensors`, { bytes: weights })
    await expect(setUp(files, root()).open()).rejects.toEqual(notFound('model-2.safetensors'))
    files.set(`${folderURL}model-2.safetensors`, { bytes: weights.slice(0, 10) })
    const source = await setUp(files, root()).open()
    expect((await source.open('model-2.safetensors')).size).toBe(10)
    expect(await source.readJson('model.safetensors.index.json')).toEqual(index)
  })
}

test('a stored model opens without the network, and without asking where nothing can change', async () => {
  const { open, faults, requests } = setUp()
  await open()
  faults.offline = true
  const before = requests.length
  const source = await open()
  expect(await (await source.open('model.safetensors')).read(0, 5000)).toEqual(weights)
  // One try a file to see whether the folder has changed.
  expect(requests.length - before).toBe(3)
})

test('files that changed in a folder are fetched again, the others are not', async () => {
  const { open, files, requests } = setUp()
  await open()
  files.set(`${folderURL}model.safetensors`, { bytes: weights.slice(0, 100), etag: '"w2"' })
  const before = requests.length
  const source = await open()
  expect((await source.open('model.safetensors')).size).toBe(100)
  const fetched = requests.slice(before).filter(({ range }) => range === null)
  expect(fetched.map(({ url }) => url)).toEqual([`${folderURL}model.safetensors`])
})

test('a download that broke off is never taken for a model', async () => {
  const { open, faults, root } = setUp()
  Object.assign(faults, { breakAfter: 0, breaks: 1000 })
  await expect(open()).rejects.toMatchObject({ code: 'network' })
  const store = createModelStore(root ?? memoryDirectory(), null)
  expect(await store.manifest(folderURL)).toBeNull()
  expect(await store.list()).toEqual([{ id: folderURL, totalBytes: null }])
  faults.breaks = 0
  const file = await (await open()).open('model.safetensors')
  expect(await file.read(0, 5000)).toEqual(weights)
})

test('a damaged or lost chunk is fetched again and stored', async () => {
  for (const damage of ['flip', 'shorten', 'lose']) {
    const root = memoryDirectory()
    const { open, requests } = setUp(folderFiles(), root)
    await open()
    const [path] = [...filesOf(root).keys()].filter((name) => name.includes('safetensors.00000'))
    const parts = path?.split('/') ?? []
    let folder = root
    for (const part of parts.slice(0, -1)) {
      const entry = folder.entries.get(part)
      if (entry?.kind === 'folder') folder = entry.folder
    }
    const name = parts.at(-1) ?? ''
    const bytes = damage === 'shorten' ? weights.slice(0, 99) : weights.map((b) => b ^ 128)
    if (damage === 'lose') folder.entries.delete(name)
    else folder.entries.set(name, { kind: 'file', bytes })
    const file = await (await open()).open('model.safetensors')
    const before = requests.length
    expect(await file.read(0, 5000)).toEqual(weights)
    expect(requests.slice(before).map(({ range }) => range)).toEqual(['bytes=0-4999'])
    expect(filesOf(root).get(path ?? '')).toEqual(weights)
  }
})

test('a damaged chunk that can not be fetched again is an error with the way out', async () => {
  const root = memoryDirectory()
  const { open, faults } = setUp(folderFiles(), root)
  await open()
  for (const [path, bytes] of filesOf(root)) if (path.includes('safetensors.0')) bytes[0]! ^= 1
  faults.offline = true
  const file = await (await open()).open('model.safetensors')
  await expect(file.read(0, 8)).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(/damaged.*Delete the stored model/),
  })
  faults.offline = false
  expect(await file.read(0, 8)).toEqual(weights.slice(0, 8))
})

test('too little room is refused with the numbers, before anything is fetched', async () => {
  const { open, requests } = setUp()
  let persisted = false
  const quota: StorageQuota = {
    persist: async () => (persisted = true),
    estimate: async () => ({ quota: 6000, usage: 1000 }),
  }
  await expect(open('./model/', { quota })).rejects.toMatchObject({
    code: 'storage',
    details: { needed: 5024, free: 5000, limit: 6000 },
  })
  expect(persisted).toBe(true)
  expect(requests.filter(({ range }) => range === null)).toHaveLength(0)
})

const free = (bytes: number): StorageQuota => ({
  estimate: async () => ({ quota: 10_000, usage: 10_000 - bytes }),
})

test('what an earlier visit stored needs no room again', async () => {
  const { open, files } = setUp()
  const weightsURL = `${folderURL}model.safetensors`
  const all = new Map(files)
  const gone = new Map([[weightsURL, 2]])
  // The file is there when it is asked for, and gone when it is fetched.
  files.get = (url) => {
    const left = gone.get(url) ?? 0
    gone.set(url, left - 1)
    return left === 1 ? undefined : all.get(url)
  }
  await expect(open()).rejects.toEqual(notFound('model.safetensors'))
  await expect(open('./model/', { quota: free(4999) })).rejects.toMatchObject({ code: 'storage' })
  await open('./model/', { quota: free(5000) })
})

test('a chunk that was damaged before another file changed is still found out', async () => {
  const root = memoryDirectory()
  const { open, files } = setUp(folderFiles(), root)
  await open()
  for (const [path, bytes] of filesOf(root)) if (path.includes('safetensors.0')) bytes[0]! ^= 1
  files.set(`${folderURL}config.json`, { bytes: text('{}'), etag: '"c2"' })
  const file = await (await open()).open('model.safetensors')
  expect(await file.read(0, 5000)).toEqual(weights)
})

test('progress counts the whole model up to its end', async () => {
  const seen: DownloadProgress[] = []
  await setUp().open('./model/', { onProgress: (progress) => seen.push(progress) })
  expect(seen.at(-1)).toMatchObject({ loadedBytes: 5024, totalBytes: 5024 })
  const loaded = seen.map(({ loadedBytes }) => loadedBytes)
  expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
})

test('stored models are listed and deleted', async () => {
  const { open, root } = setUp()
  await open()
  const store = createModelStore(root ?? memoryDirectory(), null)
  expect(await store.list()).toEqual([{ id: folderURL, totalBytes: 5024 }])
  expect(await store.delete(folderURL)).toBe(true)
  expect(await store.delete(folderURL)).toBe(false)
  expect(await store.list()).toEqual([])
})

const hubFiles = async (broken = false) => {
  const hub = 'https://huggingface.co'
  const sha256 = await sha256Hex(weights)
  const size = text(JSON.stringify(config)).length
  const listing = {
    sha: 'c0ffee',
    siblings: [
      { rfilename: 'config.json', size, blobId: 'b1' },
      { rfilename: 'model.safetensors', size: 5000, blobId: 'b2', lfs: { sha256, size: 5000 } },
      { rfilename: 'README.md', size: 9, blobId: 'b3' },
    ],
  }
  const bytes = broken ? weights.toReversed() : weights
  return new Map<string, ServerFile>([
    [`${hub}/api/models/a/b/revision/main?blobs=true`, { bytes: text(JSON.stringify(listing)) }],
    [`${hub}/a/b/resolve/c0ffee/config.json`, { bytes: text(JSON.stringify(config)) }],
    [`${hub}/a/b/resolve/c0ffee/model.safetensors`, { bytes }],
  ])
}

test("a hub's list settles files, sizes and hashes in one request, pinned to a commit", async () => {
  const { open, requests, faults } = setUp(await hubFiles())
  const source = await open('a/b')
  expect(source.id).toBe('a/b@main')
  expect(await source.has('README.md')).toBe(false)
  expect(requests.map(({ url }) => url.replace('https://huggingface.co/', ''))).toEqual([
    'api/models/a/b/revision/main?blobs=true',
    'a/b/resolve/c0ffee/config.json',
    'a/b/resolve/c0ffee/model.safetensors',
  ])
  faults.offline = true
  await open('a/b')
  expect(requests).toHaveLength(3)
})

test("weights that differ from the hub's hash are refused", async () => {
  const { open } = setUp(await hubFiles(true))
  await expect(open('a/b')).rejects.toMatchObject({ code: 'invalid-file' })
})

test('a hub without the list is probed file by file', async () => {
  const files = folderFiles()
  const mirrored = new Map(
    [...files].map(([url, file]) => [
      url.replace(folderURL, 'https://huggingface.co/a/b/resolve/main/'),
      file,
    ]),
  )
  const source = await setUp(mirrored).open('a/b')
  expect(await source.readJson('config.json')).toEqual(config)
  await expect(setUp(mirrored).open('a/c')).rejects.toEqual(notFound('config.json'))
})

test('broken JSON names the file', async () => {
  const files = folderFiles()
  files.set(`${folderURL}config.json`, { bytes: text('{"a":') })
  const source = await setUp(files).open()
  await expect(source.readJson('config.json')).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringContaining('config.json'),
  })
})

test('the starter model comes through whole', async () => {
  const files = new Map<string, ServerFile>()
  for (const name of ['config.json', 'tokenizer.json', 'model.safetensors']) {
    const path = new URL(`../../../demo/public/starter-model/${name}`, import.meta.url)
    files.set(folderURL + name, { bytes: new Uint8Array(readFileSync(path)), etag: `"${name}"` })
  }
  const file = await (await setUp(files).open()).open('model.safetensors')
  const bytes = files.get(`${folderURL}model.safetensors`)?.bytes ?? new Uint8Array()
  expect(Buffer.compare(await file.read(0, file.size), bytes)).toBe(0)
})

const large = 17 * 1024 * 1024

const noWait = async () => undefined

/** Asks for the header of the weights, as a plan does. */
const look = async (source: ModelSource) => {
  await (await source.open('model.safetensors')).read(0, 8)
}

test('a look before the download sees the model, and can refuse it', async () => {
  const { open, root, requests } = setUp()
  const seen: unknown[] = []
  const refuse = async (source: ModelSource) => {
    await look(source)
    seen.push(await source.readJson('config.json'))
    throw new Error('too large')
  }
  await expect(open('./model/', { beforeDownload: refuse })).rejects.toThrow('too large')
  expect(seen).toEqual([config])
  expect(requests.every(({ range }) => range !== null)).toBe(true)
  expect(filesOf(root as ReturnType<typeof memoryDirectory>).size).toBe(0)
})

test('a server without ranges is not asked for all of a large model twice', async () => {
  const { open, files, faults, requests } = setUp()
  files.set(`${folderURL}model.safetensors`, { bytes: new Uint8Array(large), etag: '"w"' })
  faults.noRanges = true
  let looked = 0
  const beforeDownload = async (source: ModelSource) => {
    looked++
    await look(source)
  }
  const source = await open('./model/', { beforeDownload })
  expect((await source.open('model.safetensors')).size).toBe(large)
  expect(looked).toBe(1)
  const whole = requests.filter(({ url, range }) => url.endsWith('tensors') && range === null)
  expect(whole).toHaveLength(1)
})

test('an inspection of a server without ranges says so', async () => {
  const { fetch, files, faults } = setUp()
  files.set(`${folderURL}model.safetensors`, { bytes: new Uint8Array(large), etag: '"w"' })
  faults.noRanges = true
  const { source, download } = await inspectModelSource(folderURL, { fetch, root: null })
  expect(download).toEqual({ totalBytes: large + 24, presentBytes: 0 })
  await expect(look(source)).rejects.toMatchObject({
    code: 'network',
    message: expect.stringMatching(/model\.safetensors can't be looked at .* no byte ranges/),
  })
})

test('an inspection reads what is stored, and tells what is not', async () => {
  const root = memoryDirectory()
  const { fetch, open, faults } = setUp(folderFiles(), root)
  const before = await inspectModelSource(folderURL, { fetch, root })
  expect(before.download).toEqual({ totalBytes: 5024, presentBytes: 0 })
  expect(filesOf(root).size).toBe(0)
  await open()
  faults.offline = true
  const { source, download } = await inspectModelSource(folderURL, { fetch, root, wait: noWait })
  expect(download).toEqual({ totalBytes: 5024, presentBytes: 5024 })
  await look(source)
})
