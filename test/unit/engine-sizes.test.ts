import { expect, it } from 'vitest'
import { checkServingOptions, engineSizes } from '../../src/engine-sizes.ts'
import type { LoadOptions } from '../../src/load-options.ts'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import { createFolderSource } from '../../src/node/folder-source.ts'

it.each([
  [{ maxNumSeqs: 33 }, /maxNumSeqs must be an integer from 1 to 32, got 33/],
  [{ maxNumSeqs: 16, maxNumBatchedTokens: 8 }, /maxNumBatchedTokens .* from 16 to/],
  [{ maxModelLen: 0.5 }, /maxModelLen/],
  [{ memoryBudget: 0 }, /memoryBudget must be an integer from 1/],
  [{ quantization: 'q5' as 'q4' }, /quantization must be 'auto', .*'q4', got "q5"/],
  [{ speculation: { numSpeculativeTokens: 0 } }, /speculation.numSpeculativeTokens/],
])('refuses %j before anything is fetched', (options, message) => {
  expect(() => checkServingOptions({ model: 'a/b', ...options })).toThrow(message)
})

it('takes options that are in range', () => {
  const speculation = { numSpeculativeTokens: 16 }
  checkServingOptions({ model: 'a/b', maxNumSeqs: 32, maxNumBatchedTokens: 32, speculation })
})

const config = parseModelConfig(
  await createFolderSource('demo/public/starter-model').readJson('config.json'),
)

const longestContext = (options: Partial<LoadOptions>): number =>
  engineSizes(config, { model: 'a/b', ...options }).maxModelLen

it('plans no longer context than the model has and the KV cache holds', () => {
  expect(longestContext({})).toBe(2048)
  expect(longestContext({ maxModelLen: 100 })).toBe(100)
  // 4 layers, keys and values, 4 heads of 32 numbers in f16: 2 KiB a token
  expect(longestContext({ kvCacheBytes: 1024 * 1024 })).toBe(512)
  expect(longestContext({ kvCacheBytes: 1024 * 1024, kvCacheDtype: 'f32' })).toBe(256)
  expect(longestContext({ kvCacheBytes: 1024 * 1024, maxModelLen: 512 })).toBe(512)
})

it('refuses a context that the model or kvCacheBytes has no room for', () => {
  expect(() => longestContext({ maxModelLen: 2049 })).toThrow(
    'maxModelLen (2049) is greater than 2048, the longest that config.json has positions for',
  )
  expect(() => longestContext({ kvCacheBytes: 1024 * 1024, maxModelLen: 513 })).toThrow(
    'maxModelLen (513) is greater than 512, the longest that kvCacheBytes (1048576) holds, where it ' +
      `would take ${33 * 16 * 2048}.`,
  )
})

it('gives a long context that is asked for the KV cache that it takes', () => {
  const long = { ...config, contextLength: 1_000_000 }
  const asked = engineSizes(long, { model: 'a/b', maxModelLen: 400_000 })
  expect(asked).toMatchObject({ kvCacheBytes: 400_000 * 2048, leastContext: 400_000 })
  expect(engineSizes(long, { model: 'a/b' })).toMatchObject({
    maxModelLen: 131_072,
    kvCacheBytes: 131_072 * 2048,
    leastContext: 2048,
  })
})

it('keeps to the original length of long RoPE unless more is asked for', () => {
  const scaling = {
    type: 'longrope',
    shortFactors: [1],
    longFactors: [2],
    attentionFactor: 1,
    originalMaxPositionEmbeddings: 1024,
  } as const
  const long = { ...config, ropes: [{ theta: 10_000, scaling }] }
  expect(engineSizes(long, { model: 'a/b' }).maxModelLen).toBe(1024)
  expect(engineSizes(long, { model: 'a/b', maxModelLen: 2048 }).maxModelLen).toBe(2048)
})

it('takes of a model that embeds as long texts as its files say', () => {
  const pooling = {
    pooling: 'mean',
    dense: [],
    normalize: true,
    dimensions: 'none',
    lowersCase: false,
  } as const
  const sizesOf = (maxTokens: number | null, options: Partial<LoadOptions> = {}) =>
    engineSizes(config, { model: 'a/b', ...options }, { ...pooling, maxTokens }).maxModelLen
  expect(sizesOf(null)).toBe(2048)
  expect(sizesOf(256)).toBe(256)
  expect(sizesOf(256, { maxModelLen: 100 })).toBe(100)
  expect(() => sizesOf(256, { maxModelLen: 257 })).toThrow(
    /\(257\) is greater than 256.*files have it embed/,
  )
  expect(() => sizesOf(null, { maxModelLen: 2049 })).toThrow(/\(2049\) is greater than 2048/)
})
