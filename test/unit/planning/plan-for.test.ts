import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { buildEngine } from '../../../src/build-engine.ts'
import { buildPoolingEngine } from '../../../src/build-pooling-engine.ts'
import { requestGpu } from '../../../src/gpu/device.ts'
import type { LoadOptions } from '../../../src/load-options.ts'
import { readModelOutline } from '../../../src/model-files.ts'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import type { ModelPlan } from '../../../src/planning/model-plan.ts'
import { defaultMemoryBudget, planFor } from '../../../src/planning/plan-for.ts'
import { refuseTooLarge } from '../../../src/planning/plan-text.ts'
import type { ModelSource } from '../../../src/storage/byte-source.ts'
import { FakeGpu } from '../gpu/fake-gpu.ts'
import { largeMatrices, qwen3Small, syntheticSource } from '../synthetic-model.ts'

const models = ['test/fixtures/models', 'test/fixtures/embedding-models'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.startsWith('tiny-'))
    .map((name) => `${folder}/${name}`),
)

const openSource = async (source: ModelSource, options: LoadOptions) => {
  const gpu = new FakeGpu()
  const context = await requestGpu(gpu.asGpu())
  return { source, device: gpu.devices[0]!, context, options, ...(await readModelOutline(source)) }
}

const open = (path: string, given: Partial<LoadOptions>) =>
  openSource(createFolderSource(path), { model: path, ...given })

const plan = async (path: string, given: Partial<LoadOptions>) => {
  const opened = await open(path, given)
  const planned = await planFor(opened)
  await opened.source.close()
  return planned
}

const requestContext = () => Promise.reject(new Error('one device is enough'))

/** Bytes of the buffers that loading really creates. */
const load = async (path: string, given: Partial<LoadOptions>, planned: ModelPlan) => {
  const { config, pooling, tensors, context, device, options, source } = await open(path, given)
  const { quantization, kvCache } = planned
  const parts = { config, source, requestContext, options, quantization }
  const first = { context, tensors, numBlocks: kvCache.numBlocks }
  const engine = await (pooling
    ? buildPoolingEngine({ ...parts, pooling }, first)
    : buildEngine({ ...parts, eosTokenIds: [] }, first))
  await source.close()
  const { usedBytes } = device
  engine.dispose()
  return usedBytes
}

describe('a plan holds what loading allocates', () => {
  it.each([
    ...models.map((path) => [path, {}] as const),
    [
      'test/fixtures/models/tiny-qwen3',
      { quantization: 'q8', maxNumSeqs: 3, maxNumBatchedTokens: 64 },
    ] as const,
    ['test/fixtures/models/tiny-llama3', { quantization: 'q4', kvCacheDtype: 'f32' }] as const,
    ['test/fixtures/gguf/mixed.gguf', {}] as const,
    ['test/fixtures/gguf/mixed.gguf', { quantization: 'none' }] as const,
    ['demo/public/starter-model', { quantization: 'q8' }] as const,
  ])('%s %j', async (path, given) => {
    const planned = await plan(path, given)
    const loaded = await load(path, given, planned)
    // Besides, the loader has a few words of parameters.
    expect(Math.abs(loaded - planned.totalBytes)).toBeLessThanOrEqual(64)
    expect(planned.weightBytes + planned.scratchBytes + planned.kvCache.bytes).toBe(
      planned.totalBytes,
    )
  })
})

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

/** Qwen3-0.6B: 1.11 GiB of weights in bf16. */
const planSmall = async (given: Partial<LoadOptions> = {}) =>
  planFor(await openSource(syntheticSource(qwen3Small), { model: 'Qwen/Qwen3-0.6B', ...given }))

describe('a plan for Qwen3-0.6B', () => {
  it('counts parameters, weights, KV cache and the largest tensor', async () => {
    const planned = await planSmall({ memoryBudget: 4 * gibibyte })
    // As its model card's safetensors metadata counts them, the tied head once.
    expect(planned.numParameters).toBe(596_049_920)
    expect(planned).toMatchObject({
      model: 'Qwen/Qwen3-0.6B',
      architecture: 'Qwen3ForCausalLM',
      quantization: 'stored',
      // 146 blocks of 1.75 MiB in 256 MiB
      maxModelLen: 2336,
      fits: true,
      choices: [],
      largestTensor: { name: 'model.embed_tokens.weight', bytes: 151_936 * 1024 * 2 },
    })
    const norms = 28 * (2 * 1024 + 2 * 128) + 1024
    const matrices = 596_049_920 - norms
    expect(planned.weightBytes / (2 * matrices + 4 * norms)).toBeCloseTo(1, 3)
    expect(planned.weightBytesBy.none).toBe(planned.weightBytesBy.stored)
    // 8 bits, and 16 for the scale of each 32.
    expect(planned.weightBytesBy.q8 / (matrices * 1.0625)).toBeCloseTo(1, 2)
    // 4 and 16 / 32 bits, but for the embeddings.
    const head = 151_936 * 1024
    expect(planned.weightBytesBy.q4 / (head * 1.0625 + (matrices - head) * 0.5625)).toBeCloseTo(
      1,
      2,
    )
    // 28 layers, keys and values, 8 heads of 128 numbers in f16
    expect(planned.kvCache.bytesPerToken).toBe(28 * 2 * 8 * 128 * 2)
    expect(planned.kvCache.bytes).toBeLessThanOrEqual(256 * mebibyte)
    expect(planned.kvCache.bytes).toBeGreaterThan(254 * mebibyte)
  })

  it.each([
    [1700, 'stored'],
    [1300, 'q8'],
    [750, 'q4'],
  ] as const)('takes with %i MiB what loses least: %s', async (budget, quantization) => {
    const planned = await planSmall({ memoryBudget: budget * mebibyte })
    expect(planned).toMatchObject({ quantization, fits: true })
    expect(planned.totalBytes).toBeLessThanOrEqual(budget * mebibyte)
    expect(planned.kvCache.numBlocks * 16).toBeGreaterThanOrEqual(2048)
  })

  it('shrinks the KV cache to what the weights leave', async () => {
    const roomy = await planSmall({ memoryBudget: 4 * gibibyte, kvCacheBytes: gibibyte })
    const tight = await planSmall({
      memoryBudget: roomy.totalBytes - 512 * mebibyte,
      kvCacheBytes: gibibyte,
      quantization: 'stored',
    })
    const less = roomy.kvCache.bytes - tight.kvCache.bytes
    expect(Math.abs(less - 512 * mebibyte)).toBeLessThan(4 * mebibyte)
  })

  it('says what fits where it does not', async () => {
    const planned = await planSmall({ memoryBudget: 1.3 * gibibyte, quantization: 'none' })
    expect(planned.fits).toBe(false)
    for (const choice of planned.choices) {
      const again = await planSmall({
        memoryBudget: 1.3 * gibibyte,
        quantization: 'none',
        ...choice.options,
      })
      expect(again.fits, JSON.stringify(choice)).toBe(true)
      expect(again.neededBytes).toBe(choice.neededBytes)
    }
    expect(planned.choices.map(({ options }) => options)).toContainEqual({ quantization: 'q8' })
    expect(() => refuseTooLarge(planned)).toThrow(
      expect.objectContaining({
        code: 'model-too-large',
        details: expect.objectContaining({ neededBytes: planned.neededBytes }),
      }),
    )
  })

  it('holds a context that is asked for, or says which fits', async () => {
    const roomy = await planSmall({ memoryBudget: 8 * gibibyte, maxModelLen: 32_768 })
    expect(roomy).toMatchObject({ fits: true, maxModelLen: 32_768 })
    const tight = { memoryBudget: 2 * gibibyte, maxModelLen: 32_768 }
    const planned = await planSmall({ ...tight, quantization: 'q4' })
    expect(planned.fits).toBe(false)
    const { options } = planned.choices[0]!
    expect(options).toEqual({ maxModelLen: 8192 })
    const again = await planSmall({ ...tight, quantization: 'q4', ...options })
    expect(again).toMatchObject({ fits: true, maxModelLen: 8192 })
  })

  it('refuses a context whose keys the adapter can not bind', async () => {
    // 128 MiB, and 2 KiB of keys a token and layer
    const long = { ...qwen3Small, max_position_embeddings: 131_072 }
    const planned = async (maxModelLen: number) => {
      const options = { model: 'm', memoryBudget: 16 * gibibyte, maxModelLen }
      return planFor(await openSource(syntheticSource(long), options))
    }
    expect(await planned(65_536)).toMatchObject({ fits: true, maxModelLen: 65_536 })
    await expect(planned(65_537)).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringContaining('maxModelLen (65537) is greater than 65536'),
    })
  })

  it('refuses with the numbers, and says which budget would do where nothing else does', async () => {
    const planned = await planSmall({ memoryBudget: 100 * mebibyte })
    expect(planned).toMatchObject({ fits: false, quantization: 'q4' })
    expect(planned.choices).toEqual([
      { options: { memoryBudget: planned.neededBytes }, neededBytes: planned.neededBytes },
    ])
    expect(() => refuseTooLarge(planned)).toThrow(
      /^Qwen\/Qwen3-0.6B needs \d+ MiB of GPU memory \(weights 3\d\d MiB with quantization 'q4', scratch .*, KV cache 224 MiB at least\), and memoryBudget is 100 MiB\. Choose a smaller model\. If the GPU has the room, say so: \{ memoryBudget: \d+ \}\.$/,
    )
  })

  it('reads as text', async () => {
    const { text } = await planSmall({ memoryBudget: 4 * gibibyte })
    expect(text).toMatch(/^Qwen\/Qwen3-0.6B: Qwen3ForCausalLM, 596.0 million parameters/)
    expect(text).toMatch(/weights +1\.11 GiB \(stored 1\.11 GiB, none 1\.11 GiB, q8 \d+ MiB, q4/)
    expect(text).toMatch(/KV cache +256 MiB, \d+ tokens in \d+ blocks of 1\.75 MiB/)
    expect(text).toMatch(/It fits\.$/)
  })
})

it('guesses half of the memory that the browser tells of, and 4 GiB where it does not', () => {
  expect(defaultMemoryBudget(2)).toBe(gibibyte)
  expect(defaultMemoryBudget()).toBe(4 * gibibyte)
})

it('refuses weights that loading would refuse', async () => {
  const opened = await openSource(syntheticSource(largeMatrices), { model: 'synthetic' })
  const { tensors } = opened
  const get = (name: string) => ({
    ...tensors.get(name),
    ...(name.endsWith('down_proj.weight') && { dtype: 'I16' as const }),
  })
  await expect(planFor({ ...opened, tensors: { ...tensors, get } })).rejects.toMatchObject({
    code: 'unsupported-format',
    message: expect.stringContaining('model.layers.0.mlp.down_proj.weight is stored as I16'),
  })
  const missing = {
    ...opened.config,
    numLayers: 2,
    layers: [...opened.config.layers, ...opened.config.layers],
  }
  await expect(planFor({ ...opened, config: missing })).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringContaining('no tensor model.layers.1.'),
  })
})

it('counts no KV cache for a model that embeds', async () => {
  const planned = await plan('test/fixtures/embedding-models/tiny-bert', {})
  expect(planned.kvCache).toMatchObject({ numBlocks: 0, bytes: 0 })
  expect(planned.text).toMatch(/KV cache +none/)
})
