import { afterAll, describe, expect, it } from 'vitest'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import { createTestEngine, generateGreedy, type TestEngineOptions } from './test-engine.ts'

type Golden = {
  readonly cases: readonly {
    readonly promptTokenIds: readonly number[]
    readonly tokenIds: readonly number[]
    /** Of each step the largest logits: [id, logit], by Hugging Face transformers in f32. */
    readonly topLogits: readonly (readonly (readonly [number, number])[])[]
  }[]
}

const ggufFixtures = import.meta.glob<Golden>('../fixtures/gguf/*-golden.json', {
  import: 'default',
})
const fixtures = import.meta.glob<Golden>('../fixtures/models/*/golden.json', { import: 'default' })

const folderOf = (name: string): string =>
  name === 'starter' ? 'demo/public/starter-model' : `test/fixtures/models/${name}`

/** The largest difference of any listed logit of any step. */
const farthest = (
  topLogits: Golden['cases'][number]['topLogits'],
  steps: readonly Float32Array[],
): number =>
  Math.max(
    ...topLogits.map((top, step) =>
      Math.max(...top.map(([id, logit]) => Math.abs(steps[step]![id]! - logit))),
    ),
  )

const engines: GenerationEngine[] = []
const start = async (options: TestEngineOptions): Promise<GenerationEngine> => {
  const engine = await createTestEngine(options)
  engines.push(engine)
  return engine
}
afterAll(() => engines.forEach((engine) => engine.dispose()))

// CPU adapters run the `none` forms by themselves; the tiled forms are what GPUs run.
describe.each(['workgroup', 'subgroup'] as const)('tiny-qwen3 in %s form', (reduction) => {
  it('gives the tokens and logits of Hugging Face transformers', async () => {
    const { cases } = await fixtures['../fixtures/models/tiny-qwen3/golden.json']!()
    const steps: Promise<Float32Array>[] = []
    const path = folderOf('tiny-qwen3')
    const engine = await start({ path, reduction, onLogits: (logits) => steps.push(logits) })
    for (const { promptTokenIds, tokenIds, topLogits } of cases) {
      steps.length = 0
      const wanted = tokenIds.slice(0, 16)
      expect(await generateGreedy(engine, promptTokenIds, 16)).toEqual(wanted)
      expect(farthest(topLogits.slice(0, 16), await Promise.all(steps))).toBeLessThan(1e-3)
    }
  })
})

// The first token's logits: later ones follow other tokens once a near tie falls the other way.
describe.each([
  { quantization: 'q8', bound: 0.2 },
  { quantization: 'q4', bound: 2.5 },
] as const)('tiny-qwen3 in $quantization', ({ quantization, bound }) => {
  it(`gives logits within ${bound} of Hugging Face transformers in f32`, async () => {
    const { cases } = await fixtures['../fixtures/models/tiny-qwen3/golden.json']!()
    const steps: Promise<Float32Array>[] = []
    const path = folderOf('tiny-qwen3')
    const engine = await start({ path, quantization, onLogits: (logits) => steps.push(logits) })
    for (const { promptTokenIds, topLogits } of cases) {
      steps.length = 0
      await generateGreedy(engine, promptTokenIds, 1)
      const distance = farthest(topLogits.slice(0, 1), [await steps[0]!])
      expect(distance).toBeLessThan(bound)
    }
  })
})

/** Models and what they are held to; every folder of fixtures and every golden GGUF file is one. */
const models = [
  ...Object.entries(fixtures).map(([file, load]) => ({
    path: folderOf(file.split('/').at(-2)!),
    load,
  })),
  ...Object.entries(ggufFixtures).map(([file, load]) => ({
    path: file.replace('..', 'test').replace('-golden.json', '.gguf'),
    load,
  })),
]

describe.each(models)('$path', ({ path, load }) => {
  it('gives the tokens and logits of Hugging Face transformers, a request at a time', async () => {
    const { cases } = await load()
    const steps: Promise<Float32Array>[] = []
    const engine = await start({ path, onLogits: (logits) => steps.push(logits) })
    for (const { promptTokenIds, tokenIds, topLogits } of cases) {
      steps.length = 0
      expect(await generateGreedy(engine, promptTokenIds, tokenIds.length)).toEqual(tokenIds)
      const logits = await Promise.all(steps)
      expect(farthest(topLogits, logits)).toBeLessThan(1e-3)
    }
  })

  it('gives the same tokens to all prompts together, whatever the chunks', async () => {
    const { cases } = await load()
    for (const maxNumBatchedTokens of [19, 128]) {
      const engine = await start({ path, maxNumBatchedTokens })
      const together = await Promise.all(
        cases.map(({ promptTokenIds, tokenIds }) =>
          generateGreedy(engine, promptTokenIds, tokenIds.length),
        ),
      )
      expect(together).toEqual(cases.map(({ tokenIds }) => tokenIds))
    }
  })
})
