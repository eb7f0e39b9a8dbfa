import { afterEach, describe, expect, it } from 'vitest'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import { createTestEngine, generateGreedy, type TestEngineOptions } from './test-engine.ts'

/** Of each position the largest logits: [id, logit], by Hugging Face transformers in f32. */
type TopLogits = readonly (readonly (readonly [number, number])[])[]

type Golden = {
  readonly cases: readonly {
    readonly promptTokenIds: readonly number[]
    readonly promptTopLogits: TopLogits
    readonly tokenIds: readonly number[]
    /** What chose each of `tokenIds`. */
    readonly topLogits: TopLogits
  }[]
}

const ggufFixtures = import.meta.glob<Golden>('../fixtures/gguf/*-golden.json', {
  import: 'default',
})
const typeFixtures = import.meta.glob<Golden>('../fixtures/gguf/types/*-golden.json', {
  import: 'default',
})
const fixtures = import.meta.glob<Golden>('../fixtures/models/*/golden.json', { import: 'default' })

const folderOf = (name: string): string =>
  name === 'starter' ? 'demo/public/starter-model' : `test/fixtures/models/${name}`

/** The largest difference of any listed logit of any position. */
const farthest = (topLogits: TopLogits, steps: readonly Float32Array[]): number =>
  Math.max(
    ...topLogits.map((top, step) =>
      Math.max(...top.map(([id, logit]) => Math.abs(steps[step]![id]! - logit))),
    ),
  )

/** Logits of every position of a prompt, which its log probabilities ask for. */
const promptLogits = async (
  engine: GenerationEngine,
  promptTokenIds: readonly number[],
  steps: readonly Promise<Float32Array>[],
): Promise<Float32Array[]> => {
  await generateGreedy(engine, promptTokenIds, 1, { promptLogprobs: 0 })
  const { vocabSize } = engine
  return (await Promise.all(steps)).flatMap((rows) =>
    Array.from({ length: rows.length / vocabSize }, (_, row) =>
      rows.subarray(row * vocabSize, (row + 1) * vocabSize),
    ),
  )
}

const engines: GenerationEngine[] = []
const start = async (options: TestEngineOptions): Promise<GenerationEngine> => {
  const engine = await createTestEngine(options)
  engines.push(engine)
  return engine
}
afterEach(() => engines.splice(0).forEach((engine) => engine.dispose()))

// CPU adapters run the `none` forms by themselves; the tiled forms are what GPUs run.
describe.each(['workgroup', 'subgroup'] as const)('tiny-qwen3 in %s form', (reduction) => {
  it('gives the tokens and logits of Hugging Face transformers', async () => {
    const { cases } = await fixtures['../fixtures/models/tiny-qwen3/golden.json']!()
    const path = folderOf('tiny-qwen3')
    const { engine, steps } = await startRecorded({ path, reduction })
    for (const { promptTokenIds, tokenIds, topLogits } of cases) {
      steps.length = 0
      const wanted = tokenIds.slice(0, 16)
      expect(await generateGreedy(engine, promptTokenIds, 16)).toEqual(wanted)
      expect(farthest(topLogits.slice(0, 16), await Promise.all(steps))).toBeLessThan(1e-3)
    }
  })
})

const ggufModels = (files: Readonly<Record<string, () => Promise<Golden>>>) =>
  Object.entries(files).map(([file, load]) => ({
    path: file.replace('..', 'test').replace('-golden.json', '.gguf'),
    load,
  }))

/** Models and what they are held to; every folder of fixtures and every golden GGUF file is one. */
const models = [
  ...Object.entries(fixtures).map(([file, load]) => ({
    path: folderOf(file.split('/').at(-2)!),
    load,
  })),
  ...ggufModels(ggufFixtures),
]

/** An engine, and the logits of the steps of what it was asked last. */
const startRecorded = async (options: TestEngineOptions) => {
  const steps: Promise<Float32Array>[] = []
  const onLogits = (logits: Promise<Float32Array>) => {
    steps.push(logits)
    // Disposing the engine cuts off steps that ran ahead, for which nobody waits.
    logits.catch(() => {})
  }
  return { engine: await start({ ...options, onLogits }), steps }
}

const expectGolden = async (
  { cases }: Golden,
  { engine, steps }: Awaited<ReturnType<typeof startRecorded>>,
): Promise<void> => {
  for (const { promptTokenIds, tokenIds, topLogits } of cases) {
    steps.length = 0
    expect(await generateGreedy(engine, promptTokenIds, tokenIds.length)).toEqual(tokenIds)
    expect(farthest(topLogits, await Promise.all(steps))).toBeLessThan(1e-3)
  }
}

// Steps of one row need the fewest kernels, which software adapters compile slowly for each type.
it.each(ggufModels(typeFixtures))(
  '$path gives the tokens and logits of Hugging Face transformers, a token at a time',
  async ({ path, load }) => {
    const limits = { maxNumSeqs: 1, maxNumBatchedTokens: 1, numExtraSamples: 0 }
    await expectGolden(await load(), await startRecorded({ path, ...limits }))
  },
)

const expectTogether = async ({ cases }: Golden, engine: GenerationEngine): Promise<void> => {
  const together = await Promise.all(
    cases.map(({ promptTokenIds, tokenIds }) =>
      generateGreedy(engine, promptTokenIds, tokenIds.length),
    ),
  )
  expect(together).toEqual(cases.map(({ tokenIds }) => tokenIds))
}

describe.each(models)('$path', ({ path, load }) => {
  it('gives the tokens and logits of Hugging Face transformers, prompts included', async () => {
    const golden = await load()
    const recorded = await startRecorded({ path })
    const { engine, steps } = recorded
    await expectGolden(golden, recorded)
    for (const { promptTokenIds, promptTopLogits } of golden.cases) {
      steps.length = 0
      const rows = await promptLogits(engine, promptTokenIds, steps)
      expect(rows).toHaveLength(promptTokenIds.length)
      expect(farthest(promptTopLogits, rows)).toBeLessThan(1e-3)
    }
    await expectTogether(golden, engine)
  })

  it('gives the same tokens to all prompts together, in small chunks', async () => {
    await expectTogether(await load(), await start({ path, maxNumBatchedTokens: 19 }))
  })
})

const meanSquare = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value * value, 0) / values.length

/** Root mean square of the differences of the listed logits, in standard deviations of all logits. */
const relativeError = (topLogits: TopLogits, rows: readonly Float32Array[]): number => {
  const differences = topLogits.flatMap((top, at) =>
    top.map(([id, logit]) => rows[at]![id]! - logit),
  )
  const spreads = rows.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length
    return meanSquare([...row].map((value) => value - mean))
  })
  return Math.sqrt(meanSquare(differences) / meanSquare(spreads.map(Math.sqrt)))
}

/** Checkpoints whose weights have lost what they have to lose. */
const isQuantized = (path: string) => /tiny-(awq|ct|fp8|gptq)/.test(path)

// Random weights are the worst case: nothing in them was learned to stand out from the noise. The
// kernels of both formats have tests of their own on every adapter; here Node's is enough.
describe.runIf(typeof window === 'undefined').each([
  { quantization: 'q8', bound: 0.06 },
  { quantization: 'q4', bound: 0.75 },
] as const)('in $quantization', ({ quantization, bound }) => {
  it.each(models.filter(({ path }) => path.includes('/models/') && !isQuantized(path)))(
    `$path gives logits within ${bound} standard deviations of Hugging Face transformers in f32`,
    async ({ path, load }) => {
      const { cases } = await load()
      const { engine, steps } = await startRecorded({ path, quantization })
      const { promptTokenIds, promptTopLogits } = cases.at(-1)!
      const rows = await promptLogits(engine, promptTokenIds, steps)
      expect(relativeError(promptTopLogits, rows)).toBeLessThan(bound)
    },
  )
})
