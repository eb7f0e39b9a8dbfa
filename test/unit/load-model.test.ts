import { readdirSync, readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { loadModel, type ModelEnvironment, planModel } from '../../src/load-model.ts'
import type { LoadOptions, LoadProgress } from '../../src/load-options.ts'
import { FakeGpu } from './gpu/fake-gpu.ts'
import { connectHere } from './grammar/toy-grammars.ts'
import { filesOf, memoryDirectory } from './storage/memory-directory.ts'
import { memoryServer, type ServerFile } from './storage/memory-server.ts'

const place = 'https://page.test/starter/'
const path = new URL('../../demo/public/starter-model/', import.meta.url)
const weights = 'model.safetensors'

const starterFiles = (): Map<string, ServerFile> =>
  new Map(
    readdirSync(path).map((name) => {
      const bytes = new Uint8Array(readFileSync(new URL(name, path)))
      return [place + name, { bytes, etag: `"${name}"` }]
    }),
  )

let gpu: FakeGpu
let server: ReturnType<typeof memoryServer>
let files: Map<string, ServerFile>
let root: ReturnType<typeof memoryDirectory>
let environment: ModelEnvironment

beforeEach(() => {
  gpu = new FakeGpu()
  files = starterFiles()
  server = memoryServer(files)
  root = memoryDirectory()
  const openStorage = async () => root
  environment = {
    gpu: gpu.asGpu(),
    fetch: server.fetch,
    openStorage,
    connectGrammars: connectHere,
    deviceMemory: 8,
  }
})

const options: LoadOptions = { model: place, maxModelLen: 256 }
const weightBytes = () => files.get(place + weights)!.bytes.length
const totalBytes = () => [...files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)

/** Bytes of weights that were asked for. */
const fetchedWeights = (): number =>
  server.requests
    .filter(({ url, method }) => url.endsWith(weights) && method === 'GET')
    .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
    .reduce((sum, range) => sum + (range ? Number(range[2]) - Number(range[1]) + 1 : Infinity), 0)

describe('a plan', () => {
  it('reads headers alone, from the network, and stores nothing', async () => {
    const plan = await planModel(environment, options)
    expect(plan).toMatchObject({ architecture: 'Qwen3ForCausalLM', fits: true })
    expect(plan.memoryBudget).toBe(4 * 2 ** 30)
    expect(plan.download.presentBytes).toBe(0)
    expect(plan.download.totalBytes).toBeLessThanOrEqual(totalBytes())
    expect(plan.download.totalBytes).toBeGreaterThan(weightBytes())
    expect(fetchedWeights()).toBeLessThan(20_000)
    expect(filesOf(root).size).toBe(0)
    expect(gpu.devices.map(({ isLost }) => isLost)).toEqual([true])
  })

  it('reads them from storage once the model is there', async () => {
    const served = await loadModel(environment, options)
    served.dispose()
    server.faults.offline = true
    const plan = await planModel(environment, options)
    expect(plan.download.presentBytes).toBe(plan.download.totalBytes)
    expect(plan.text).toMatch(/download +\d.* MiB, \d.* MiB of it stored/)
  })

  it('counts what an unfinished download has left', async () => {
    const abort = new AbortController()
    const onProgress = ({ file }: LoadProgress) => file === weights && abort.abort()
    const loading = loadModel(environment, { ...options, onProgress, signal: abort.signal })
    await expect(loading).rejects.toThrow(/abort/i)
    const { download } = await planModel(environment, options)
    expect(download.presentBytes).toBeGreaterThanOrEqual(
      files.get(`${place}tokenizer.json`)!.bytes.length,
    )
    expect(download.presentBytes).toBeLessThan(download.totalBytes!)
  })

  it('takes the budget from what the browser says', async () => {
    const plan = await planModel({ ...environment, deviceMemory: 2 }, options)
    expect(plan.memoryBudget).toBe(2 ** 30)
  })

  it('refuses what loading would refuse', async () => {
    files.set(`${place}config.json`, {
      bytes: new TextEncoder().encode('{"architectures":["FancyForCausalLM"]}'),
    })
    await expect(planModel(environment, options)).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('FancyForCausalLM'),
    })
    expect(fetchedWeights()).toBeLessThanOrEqual(1)
  })
})

/** What loading reports, in order. */
const phasesOf = async (): Promise<LoadProgress['phase'][]> => {
  const phases = new Set<LoadProgress['phase']>()
  const onProgress = ({ phase }: LoadProgress) => void phases.add(phase)
  const served = await loadModel(environment, { ...options, onProgress })
  served.dispose()
  return [...phases]
}

describe('loading', () => {
  it('refuses a model that is too large before a weight is fetched', async () => {
    const loading = loadModel(environment, { ...options, memoryBudget: 2 ** 20 })
    await expect(loading).rejects.toMatchObject({
      code: 'model-too-large',
      message: expect.stringMatching(/needs .* MiB of GPU memory .*memoryBudget is 1\.00 MiB/),
      details: { memoryBudget: 2 ** 20, quantization: 'q4' },
    })
    expect(fetchedWeights()).toBeLessThan(20_000)
    expect(filesOf(root).size).toBe(0)
    expect(gpu.devices[0]!.isLost).toBe(true)
  })

  it('reports what it does, the download the first time alone', async () => {
    const first = await phasesOf()
    expect(first[0]).toBe('download')
    expect(first.toSorted()).toEqual(['compile', 'download', 'ready', 'weights'])
    const later = await phasesOf()
    expect(later.toSorted()).toEqual(['compile', 'ready', 'weights'])
    expect(later.at(-1)).toBe('ready')
  })

  it('takes what the plan says, and names the model', async () => {
    const { totalBytes: planned, kvCache, maxModelLen } = await planModel(environment, options)
    const served = await loadModel(environment, { ...options, servedModelName: 'starter' })
    expect(served.id).toBe('starter')
    expect(served.engine.maxModelLen).toBe(maxModelLen)
    expect(served.engine.stats().numBlocks).toBe(kvCache.numBlocks)
    expect(Math.abs(gpu.devices.at(-1)!.usedBytes - planned)).toBeLessThanOrEqual(64)
    served.dispose()
  })

  it('chooses denser weights where the budget is tight', async () => {
    const { weightBytesBy, neededBytes } = await planModel(environment, options)
    const memoryBudget = neededBytes - weightBytesBy.stored + weightBytesBy.q8 + 1000
    const plan = await planModel(environment, { ...options, memoryBudget })
    expect(plan.quantization).toBe('q8')
    const served = await loadModel(environment, { ...options, memoryBudget })
    const { usedBytes } = gpu.devices.at(-1)!
    expect(usedBytes).toBeLessThanOrEqual(memoryBudget)
    served.dispose()
  })
})
