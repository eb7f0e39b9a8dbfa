import { expect, it } from 'vitest'
import { buildEngine, type EngineParts } from '../../src/build-engine.ts'
import { bytesPerBlock } from '../../src/engine/kv-cache.ts'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import { requestGpu } from '../../src/gpu/device.ts'
import { openTensors } from '../../src/model-files.ts'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import { createFolderSource } from '../../src/node/folder-source.ts'
import { FakeGpu } from './gpu/fake-gpu.ts'

const path = 'test/fixtures/models/tiny-qwen3'
const kvCacheDtype = 'f16'
const config = parseModelConfig(await createFolderSource(path).readJson('config.json'))
const blockBytes = bytesPerBlock(config, kvCacheDtype)

const bytesWithoutCache = await (async () => {
  const { gpu } = await build()
  return gpu.devices[0]!.usedBytes - 64 * blockBytes
})()

/** 64 blocks unless memory is against it. */
async function build(
  given: { memoryBytes?: number; numBlocks?: number; maxModelLen?: number } = {},
) {
  const gpu = new FakeGpu(given.memoryBytes)
  const source = createFolderSource(path)
  const opened: string[] = []
  const parts: EngineParts = {
    config,
    source: {
      ...source,
      open: (name) => {
        opened.push(name)
        return source.open(name)
      },
    },
    requestContext: (request) => requestGpu(gpu.asGpu(), request),
    options: { model: path, kvCacheDtype, maxNumSeqs: 8, maxModelLen: given.maxModelLen ?? 128 },
    quantization: 'stored',
    eosTokenIds: [],
  }
  const context = await parts.requestContext()
  try {
    const tensors = await openTensors(parts.source)
    const { numBlocks = 64 } = given
    return { gpu, engine: await buildEngine(parts, { context, tensors, numBlocks }), opened }
  } finally {
    await source.close()
  }
}

const generate = async (engine: GenerationEngine, maxTokens: number, onToken?: () => void) => {
  const tokenIds: number[] = []
  const request = { promptTokenIds: [1, 2, 3], samplingParams: { maxTokens, ignoreEos: true } }
  for await (const output of engine.addRequest(request)) {
    tokenIds.push(...output.newTokenIds)
    onToken?.()
  }
  return tokenIds
}

it('takes fewer blocks when memory runs out, on a new device each time', async () => {
  const { gpu, engine } = await build({ memoryBytes: bytesWithoutCache + 40 * blockBytes })
  expect(engine.stats().numBlocks).toBe(32)
  expect(gpu.devices.map(({ isLost }) => isLost)).toEqual([true, false])
  expect(await generate(engine, 5)).toHaveLength(5)
  engine.dispose()
})

it('refuses with numbers and choices what does not fit with the fewest blocks', async () => {
  const memoryBytes = bytesWithoutCache + 15 * blockBytes
  const refused = build({ memoryBytes })
  await expect(refused).rejects.toMatchObject({
    code: 'out-of-memory',
    details: { numBlocks: 16, maxNumSeqs: 8 },
  })
  await expect(refused).rejects.toThrow(/16 blocks.*kvCacheBytes.*smaller model.*maxNumSeqs \(8\)/)
})

it('takes no fewer blocks than a context that is asked for has', async () => {
  const maxModelLen = 24 * 16
  const { gpu } = await build({ maxModelLen })
  const without = gpu.devices[0]!.usedBytes - 64 * blockBytes
  const { engine } = await build({ maxModelLen, memoryBytes: without + 25 * blockBytes })
  expect(engine).toMatchObject({ maxModelLen })
  engine.dispose()
  await expect(
    build({ maxModelLen, memoryBytes: without + 23 * blockBytes }),
  ).rejects.toMatchObject({ code: 'out-of-memory', details: { numBlocks: 24 } })
})

it('carries on after a loss with the same weights on a new device', async () => {
  const { gpu, engine, opened } = await build()
  let seen = 0
  const tokenIds = await generate(engine, 12, () => {
    seen += 1
    if (seen === 4) gpu.devices[0]!.destroy()
  })
  expect(tokenIds).toHaveLength(12)
  expect(engine.stats()).toMatchObject({ numDeviceLosses: 1, numBlocks: 64 })
  expect(gpu.devices).toHaveLength(2)
  expect(gpu.devices[1]!.usedBytes).toBeGreaterThanOrEqual(bytesWithoutCache + 64 * blockBytes)
  expect(opened).toEqual(['model.safetensors', 'model.safetensors'])
  engine.dispose()
})

it('replaces a device that is lost while nothing runs', async () => {
  const { gpu, engine } = await build()
  gpu.devices[0]!.destroy()
  expect(await generate(engine, 5)).toHaveLength(5)
  expect(engine.stats().numDeviceLosses).toBe(1)
  engine.dispose()
})

it('tries again when the new device is lost while the weights go to it', async () => {
  const { gpu, engine } = await build()
  gpu.onDevice = (device) => {
    if (gpu.devices.length === 2) setImmediate(() => device.destroy())
  }
  gpu.devices[0]!.destroy()
  expect(await generate(engine, 5)).toHaveLength(5)
  expect(gpu.devices.map(({ isLost }) => isLost)).toEqual([true, true, false])
  engine.dispose()
})

it('goes on with three quarters of the blocks when a step runs out of memory', async () => {
  const { gpu, engine } = await build()
  let seen = 0
  const tokenIds = await generate(engine, 12, () => {
    seen += 1
    if (seen === 4) gpu.devices[0]!.reportOutOfMemory()
  })
  expect(tokenIds).toHaveLength(12)
  expect(engine.stats().numBlocks).toBe(48)
  expect(gpu.devices[0]!.isLost).toBe(true)
  engine.dispose()
})

it('ends with the reason when there are no fewer blocks to go on with', async () => {
  const { gpu, engine } = await build({ numBlocks: 1 })
  const stream = generate(engine, 8, () => gpu.devices[0]!.reportOutOfMemory())
  await expect(stream).rejects.toThrow(/1 blocks.*kvCacheBytes/)
  engine.dispose()
})
