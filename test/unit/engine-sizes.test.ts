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
  expect(longestContext({ maxModelLen: 10_000 })).toBe(2048)
  // 4 layers, keys and values, 4 heads of 32 numbers in f16: 2 KiB a token
  expect(longestContext({ kvCacheBytes: 1024 * 1024 })).toBe(512)
  expect(longestContext({ kvCacheBytes: 1024 * 1024, kvCacheDtype: 'f32' })).toBe(256)
})
