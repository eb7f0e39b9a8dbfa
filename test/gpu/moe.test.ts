import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { weightFormatNames, type WeightFormat } from '../../src/kernels/weight-format.ts'
import type { Gpu } from '../../src/layers/gpu.ts'
import { createMoe, createMoeScratch } from '../../src/layers/moe.ts'
import { moeReference } from '../reference/moe.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'
import { weightMatrix } from './linear-fixture.ts'

type MoeRun = {
  readonly format: WeightFormat
  readonly numTokens: number
  readonly numExperts: number
  readonly topK: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly hasSumOfOne?: boolean
  /** All tokens choose this expert first. */
  readonly favourite?: number
  /** Where the shards of the two matrices begin. */
  readonly cuts?: { readonly gateUp: readonly number[]; readonly down: readonly number[] }
  readonly hidden?: Float32Array<ArrayBuffer>
}

const eps = 1e-5
const scale = 0.6

const makeRouter = (options: MoeRun, normWeight: Float32Array): Float32Array<ArrayBuffer> => {
  const { numExperts, hiddenSize, favourite } = options
  const router = randomFloats(numExperts * hiddenSize, 11)
  if (favourite === undefined) return router
  return router.map((value, i) =>
    Math.floor(i / hiddenSize) === favourite ? Math.sign(normWeight[i % hiddenSize]!) : value / 4,
  )
}

/** Runs the layer over `numTokens` rows of a larger stream, and what float64 makes of them. */
const runMoe = async (gpu: Gpu, options: MoeRun) => {
  const { device } = gpu.context
  const { format, numTokens, numExperts, topK, hiddenSize, intermediateSize } = options
  const shape = { numTokens, numExperts, topK, hiddenSize, intermediateSize }
  const width = 2 * intermediateSize
  const gateUpShape = [numExperts * width, hiddenSize] as const
  const downShape = [numExperts * hiddenSize, intermediateSize] as const
  const gateUp = weightMatrix(device, format, gateUpShape, options.cuts?.gateUp)
  const down = weightMatrix(device, format, downShape, options.cuts?.down)
  const normWeight = randomFloats(hiddenSize, 12)
  const router = makeRouter(options, normWeight)
  // Positive, so that a favourite scores higher than any other expert can.
  const hidden = options.hidden ?? randomFloats(numTokens * hiddenSize, 13).map(Math.abs)
  const step = new Uint32Array(16)
  step[0] = numTokens
  // A row more than the step counts, which must stay as it is.
  const stream = createTensor(device, 'hidden', (numTokens + 1) * hiddenSize * 4)
  poison(device, stream)
  device.queue.writeBuffer(stream.buffer, 0, hidden)
  const scratch = createMoeScratch(gpu, shape, numTokens)
  const { logits, shares, activation, outputs } = scratch
  for (const tensor of [logits, shares, activation, outputs]) poison(device, tensor)
  const hasSumOfOne = options.hasSumOfOne ?? true
  const layer = await createMoe(gpu, {
    ...shape,
    residual: { hidden: stream, step: uploadTensor(device, 'step', step), scale },
    norm: { weight: uploadTensor(device, 'norm', normWeight), eps },
    activation: 'silu',
    hasSumOfOne,
    router: uploadTensor(device, 'router', router),
    gateUp: gateUp.matrix,
    down: down.matrix,
    scratch,
  })
  const recorder = new CommandRecorder(device)
  layer.encode(recorder, numTokens)
  recorder.submit()
  const got = await readFloats(device, stream)
  const { values, experts } = moeReference({
    ...shape,
    hidden,
    normWeight,
    eps,
    router,
    gateUp: gateUp.values,
    down: down.values,
    hasSumOfOne,
    scale,
  })
  return { got, values, experts, numDispatches: recorder.numDispatches }
}

const check = async (gpu: Gpu, options: MoeRun): Promise<void> => {
  const { got, values, experts, numDispatches } = await runMoe(gpu, options)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  values.forEach((value, i) => {
    if (Math.abs(got[i]! - value) <= 5e-6 * largest) return
    const place = `token ${Math.floor(i / options.hiddenSize)}, channel ${i % options.hiddenSize}`
    throw new Error(`${place} is ${got[i]}, not ${value}`)
  })
  expect(got.subarray(values.length).every(Number.isNaN)).toBe(true)
  const chosen = new Set(experts.map(([first]) => first))
  if (options.favourite !== undefined) expect([...chosen]).toEqual([options.favourite])
  const { gateUp, down } = options.cuts ?? { gateUp: [0], down: [0] }
  expect(numDispatches).toBeLessThanOrEqual(4 + gateUp.length + down.length)
}

// Tiles of 1, 4 and 8 pairs, as the tokens a step and expert come to.
const few: readonly MoeRun[] = [
  { format: 'q8', numTokens: 1, numExperts: 8, topK: 2, hiddenSize: 96, intermediateSize: 32 },
  {
    format: 'q4',
    numTokens: 4,
    numExperts: 4,
    topK: 2,
    hiddenSize: 64,
    intermediateSize: 96,
  },
]

const many: readonly MoeRun[] = [
  ...few,
  {
    format: 'q4',
    numTokens: 9,
    numExperts: 3,
    topK: 2,
    hiddenSize: 64,
    intermediateSize: 96,
    cuts: { gateUp: [0, 208, 224], down: [0, 80] },
  },
  { format: 'f32', numTokens: 1, numExperts: 3, topK: 1, hiddenSize: 20, intermediateSize: 12 },
  { format: 'f16', numTokens: 3, numExperts: 8, topK: 8, hiddenSize: 36, intermediateSize: 20 },
  {
    format: 'f32',
    numTokens: 5,
    numExperts: 130,
    topK: 8,
    hiddenSize: 24,
    intermediateSize: 8,
    hasSumOfOne: false,
  },
  {
    format: 'q8',
    numTokens: 17,
    numExperts: 6,
    topK: 1,
    hiddenSize: 32,
    intermediateSize: 64,
    hasSumOfOne: false,
    favourite: 5,
  },
  {
    format: 'f16',
    numTokens: 70,
    numExperts: 16,
    topK: 4,
    hiddenSize: 16,
    intermediateSize: 4,
    favourite: 0,
  },
  {
    format: 'f32',
    numTokens: 4,
    numExperts: 4,
    topK: 2,
    hiddenSize: 8,
    intermediateSize: 28,
    cuts: { gateUp: [0, 16, 32, 128], down: [0, 16] },
  },
]

const testGpu = async (reduction: 'none' | 'workgroup' | 'subgroup'): Promise<Gpu> => {
  const context = await testContext(reduction)
  return { context, pipelines: new PipelineCache(context) }
}

const { hasSubgroups } = await testContext()

describe('mixture of experts', () => {
  it.each(many)('none: $format, $numTokens tokens, $topK of $numExperts', async (options) => {
    await check(await testGpu('none'), options)
  })

  it.each(weightFormatNames)('none, %s: one token, one of two experts', async (format) => {
    const sizes = { hiddenSize: 256, intermediateSize: 256, numExperts: 2, topK: 1 }
    await check(await testGpu('none'), { format, numTokens: 1, ...sizes })
  })

  it.each(few)('workgroup: $format, $numTokens tokens, $topK of $numExperts', async (options) => {
    await check(await testGpu('workgroup'), options)
  })

  const subgroupTest = it.skipIf(!hasSubgroups)
  subgroupTest.each(few)('subgroup: $format, $numTokens tokens', async (options) => {
    await check(await testGpu('subgroup'), options)
  })

  it.each(['f32', 'f16', 'q8', 'q4'] as const)(
    'none, %s: a token has the same bits in every batch',
    async (format) => {
      const [hiddenSize, numExperts] = [64, 4]
      const gpu = await testGpu('none')
      const row = randomFloats(hiddenSize, 9)
      const run = async (numTokens: number, at: number) => {
        const hidden = randomFloats(numTokens * hiddenSize, 10)
        hidden.set(row, at * hiddenSize)
        const sizes = { hiddenSize, intermediateSize: 32, numExperts, topK: 2 }
        const { got } = await runMoe(gpu, { format, numTokens, ...sizes, hidden })
        return new Uint32Array(got.buffer, at * hiddenSize * 4, hiddenSize).join()
      }
      const alone = await run(1, 0)
      for (const [numTokens, at] of [
        [2, 1],
        [5, 3],
        [40, 27],
      ] as const) {
        expect(await run(numTokens, at)).toBe(alone)
      }
    },
  )

  it('refuses weights of other sizes', async () => {
    const gpu = await testGpu('none')
    const shape = { numExperts: 4, topK: 2, hiddenSize: 8, intermediateSize: 12 }
    const { device } = gpu.context
    const hidden = createTensor(device, 'hidden', 32)
    const create = createMoe(gpu, {
      ...shape,
      residual: { hidden, step: createTensor(device, 'step', 64), scale },
      activation: 'silu',
      hasSumOfOne: true,
      router: createTensor(device, 'mlp.gate', 4 * 8 * 4),
      gateUp: weightMatrix(device, 'f32', [4 * 24, 8]).matrix,
      down: weightMatrix(device, 'f32', [3 * 8, 12]).matrix,
      scratch: createMoeScratch(gpu, shape, 1),
    })
    await expect(create).rejects.toThrow(/mlp\.gate and its experts .* not those of 4 experts/)
  })
})
