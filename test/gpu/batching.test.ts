import { afterEach, describe, expect, it } from 'vitest'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import { createTestEngine, generateGreedy, type TestEngineOptions } from './test-engine.ts'

const path = 'test/fixtures/models/tiny-qwen3'
const numTokens = 24

/** Eight prompts; the odd ones share their first 40 ids, which are two and a half blocks. */
const prompts = Array.from({ length: 8 }, (_, which) => {
  const shared = which % 2 === 1 ? Array.from({ length: 40 }, (_, at) => 3 + ((at * 7) % 300)) : []
  const own = Array.from({ length: 1 + which * 5 }, (_, at) => 3 + ((at * 13 + which * 31) % 300))
  return [...shared, ...own]
})

let engine: GenerationEngine | undefined
const start = async (options: Partial<TestEngineOptions>): Promise<GenerationEngine> => {
  engine = await createTestEngine({ path, maxModelLen: 256, ...options })
  return engine
}
afterEach(() => {
  engine?.dispose()
  engine = undefined
})

const together = (serving: GenerationEngine, order: readonly number[], delayMs: number) =>
  Promise.all(
    prompts.map(async (prompt, which) => {
      await new Promise((resolve) => setTimeout(resolve, delayMs * order.indexOf(which)))
      return generateGreedy(serving, prompt, numTokens)
    }),
  )

let alone: Promise<number[][]> | undefined
const expected = (): Promise<number[][]> => {
  alone ??= (async () => {
    const serving = await start({ enablePrefixCaching: false })
    const answers: number[][] = []
    for (const prompt of prompts) answers.push(await generateGreedy(serving, prompt, numTokens))
    serving.dispose()
    return answers
  })()
  return alone
}

describe('eight requests together give what each gives alone', () => {
  it.each([
    { what: 'in small chunks', maxNumBatchedTokens: 8, order: [0, 1, 2, 3, 4, 5, 6, 7], delay: 0 },
    { what: 'in odd chunks', maxNumBatchedTokens: 23, order: [7, 2, 5, 0, 3, 6, 1, 4], delay: 9 },
    {
      what: 'late ones last',
      maxNumBatchedTokens: 128,
      order: [4, 6, 0, 2, 1, 3, 5, 7],
      delay: 25,
    },
  ])('$what', async ({ maxNumBatchedTokens, order, delay }) => {
    const lone = await expected()
    const serving = await start({ maxNumBatchedTokens })
    expect(await together(serving, order, delay)).toEqual(lone)
    // The same prompts again come from the prefix cache.
    expect(await together(serving, order.toReversed(), 0)).toEqual(lone)
    expect(serving.stats().prefixCacheHitTokens).toBeGreaterThan(100)
  })

  it('with too few blocks for all, by preemption', async () => {
    const lone = await expected()
    const serving = await start({ numBlocks: 14, maxNumBatchedTokens: 64 })
    expect(await together(serving, [0, 1, 2, 3, 4, 5, 6, 7], 0)).toEqual(lone)
    expect(serving.stats().numPreemptions).toBeGreaterThan(0)
    expect(serving.stats().numFreeBlocks).toBe(14)
  })
})
