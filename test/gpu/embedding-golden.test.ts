import { afterAll, describe, expect, it } from 'vitest'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { finishVector } from '../../src/engine/pooling.ts'
import { PoolingRunner } from '../../src/engine/pooling-runner.ts'
import type { WeightQuantization } from '../../src/load-options.ts'
import { openTensors } from '../../src/model-files.ts'
import { modelTensors } from '../../src/models/create-model.ts'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import { poolingTensors, readPooling } from '../../src/pooling-files.ts'
import { createWeightLoader } from '../../src/weights/weight-loader.ts'
import { readFloats, testContext } from './context.ts'
import { repositorySource } from './test-engine.ts'

type Golden = {
  readonly cases: readonly {
    readonly tokenIds: readonly number[]
    /** The first numbers of each position's final hidden state, by Hugging Face transformers in f32. */
    readonly hidden: readonly (readonly number[])[]
    readonly vector: readonly number[]
  }[]
}

const fixtures = import.meta.glob<Golden>('../fixtures/embedding-models/*/golden.json', {
  import: 'default',
})

const maxModelLen = 64
const bound = 1e-4

const runners: PoolingRunner[] = []
afterAll(() => runners.forEach((runner) => runner.dispose()))

/** Loads a model folder on a new device. */
const createRunner = async (
  name: string,
  {
    reduction,
    quantization = 'none',
  }: { reduction?: Reduction; quantization?: WeightQuantization },
) => {
  const source = await repositorySource(`test/fixtures/embedding-models/${name}`)
  const config = parseModelConfig(await source.readJson('config.json'))
  const pooling = await readPooling(source, config)
  if (!pooling) throw new Error(`${name} does not embed`)
  const context = await testContext(reduction)
  const pipelines = new PipelineCache(context)
  const tensors = await poolingTensors(source, await openTensors(source), pooling)
  const index = modelTensors(tensors, config)
  const runner = await PoolingRunner.create({
    context,
    pipelines,
    config,
    pooling,
    weights: createWeightLoader({ context, pipelines }, { index, quantization, dtype: 'auto' }),
    limits: { maxNumTokens: 160, maxNumSequences: 8, maxModelLen },
  })
  await source.close()
  runners.push(runner)
  return { runner, config, pooling, device: context.device }
}

const farthest = (got: ArrayLike<number>, expected: readonly number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs((got[i] ?? Infinity) - value)))

const names = Object.keys(fixtures).map((file) => file.split('/').at(-2)!)
const load = (name: string) => fixtures[`../fixtures/embedding-models/${name}/golden.json`]!()

/** CPU adapters run the `none` forms by themselves; two networks try what GPUs run. */
const forms = [
  ...names.map((name) => ({ name, reduction: 'none' as const })),
  { name: 'tiny-bert', reduction: 'workgroup' as const },
  { name: 'tiny-modernbert', reduction: 'subgroup' as const },
]

describe.each(forms)('$name in $reduction form', ({ name, reduction }) => {
  it('gives the hidden states and vectors of Hugging Face transformers', async () => {
    const { cases } = await load(name)
    const { runner, config, pooling, device } = await createRunner(name, { reduction })
    const width = config.hiddenSize
    const alone: Float32Array[] = []
    for (const { tokenIds, hidden, vector } of cases) {
      const [raw] = await runner.execute([tokenIds])
      const states = await readFloats(device, runner.hiddenStates)
      hidden.forEach((expected, row) => {
        const distance = farthest(states.subarray(row * width), expected)
        expect(distance, `position ${row} of ${hidden.length}`).toBeLessThan(bound)
      })
      const { normalize } = pooling
      const finished = finishVector(raw!, { normalize })
      expect(finished).toHaveLength(vector.length)
      expect(farthest(finished, vector)).toBeLessThan(bound)
      alone.push(raw!)
    }
    // All in one step, in another order.
    const texts = cases.map(({ tokenIds }) => tokenIds).toReversed()
    const together = (await runner.execute(texts)).toReversed()
    together.forEach((vector, i) => {
      if (reduction === 'none') expect(vector).toEqual(alone[i])
      else expect(farthest(vector, [...alone[i]!])).toBeLessThan(1e-4)
    })
  })
})

// Random weights lose more than trained ones do.
describe.each([
  { quantization: 'q8', similarity: 0.999 },
  { quantization: 'q4', similarity: 0.97 },
] as const)('tiny-bert in $quantization', ({ quantization, similarity }) => {
  it(`gives vectors with a cosine of ${similarity} or more to those in f32`, async () => {
    const { cases } = await load('tiny-bert')
    const { runner } = await createRunner('tiny-bert', { quantization })
    for (const { tokenIds, vector } of cases) {
      const [raw] = await runner.execute([tokenIds])
      const got = finishVector(raw!, { normalize: true })
      const cosine = vector.reduce((sum, value, i) => sum + value * got[i]!, 0)
      expect(cosine).toBeGreaterThan(similarity)
    }
  })
})
