import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { kvCacheBytes, type KvFormat } from '../../src/kernels/kv-format.ts'
import { createAttention } from '../../src/layers/attention.ts'
import {
  attendToken,
  ropeTable,
  rotateToken,
  type AttentionModel,
  type RotatedToken,
} from '../reference/attention.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'
import { shuffledBlockTables, stepWords, type StepSequence } from './step-fixture.ts'

const reductions = ['none', 'workgroup', 'subgroup'] as const
const maxPosition = 512

type Config = Omit<AttentionModel, 'eps'> & {
  readonly kvFormat: KvFormat
  readonly softCap?: number
  readonly window?: number
  readonly causal?: boolean
}

/** A device with one attention layer over a cache of poisoned pages. */
const createLayer = async (reduction: Reduction, config: Config, numBlocks: number) => {
  const context = await testContext(reduction)
  const { device } = context
  const model = { ...config, eps: 1e-6 }
  const { numHeads, numKvHeads, headDim, rotaryDim, kvFormat } = config
  const width = (config.numHeads + 2 * config.numKvHeads) * config.headDim
  const maxTokens = 320
  const norm = (values: ArrayLike<number> | undefined) =>
    values ? uploadTensor(device, 'norm', Float32Array.from(values)) : undefined
  const [qNorm, kNorm] = [norm(config.qNorm), norm(config.kNorm)]
  const cacheBytes = kvCacheBytes({ ...config, numBlocks })
  const tensors = {
    qkv: createTensor(device, 'qkv', maxTokens * width * 4),
    output: createTensor(device, 'output', maxTokens * config.numHeads * config.headDim * 4),
    kCache: createTensor(device, 'k cache', cacheBytes),
    vCache: createTensor(device, 'v cache', cacheBytes),
    step: createTensor(device, 'step', 16_384),
    rope: uploadTensor(device, 'rope', ropeTable(maxPosition, config.rotaryDim)),
  }
  poison(device, tensors.kCache)
  poison(device, tensors.vCache)
  const attention = await createAttention(
    { pipelines: new PipelineCache(context), context },
    {
      ...tensors,
      ...(qNorm && kNorm ? { qNorm, kNorm } : {}),
      queryScaling: config.queryScaling ?? null,
      numHeads,
      numKvHeads,
      headDim,
      rotaryDim,
      kvFormat,
      eps: model.eps,
      scale: 1 / Math.sqrt(config.headDim),
      softCap: config.softCap ?? 0,
      window: config.window ?? 0,
      causal: config.causal ?? true,
      maxNumSequences: 8,
    },
  )
  return { context, model, width, tensors, attention }
}

type Layer = Awaited<ReturnType<typeof createLayer>>

/** A sequence's rows of qkv, a function of (seed, position) however the rows are batched. */
const qkvRow = (seed: number, position: number, width: number): Float32Array =>
  randomFloats(width, seed * 1000 + position + 1)

/** Runs one step; `seeds[i]` names the tokens of `sequences[i]`. Output rows [token][channels]. */
const runStep = async (
  { context: { device }, width, tensors, attention, model }: Layer,
  sequences: readonly StepSequence[],
  seeds: readonly number[],
): Promise<Float32Array[]> => {
  const { words, shape } = stepWords(sequences)
  device.queue.writeBuffer(tensors.step.buffer, 0, words)
  const qkv = new Float32Array(shape.numTokens * width)
  let token = 0
  sequences.forEach(({ numComputed, numRows }, i) => {
    for (let row = 0; row < numRows; row++) {
      qkv.set(qkvRow(seeds[i] ?? 0, numComputed + row, width), token++ * width)
    }
  })
  device.queue.writeBuffer(tensors.qkv.buffer, 0, qkv)
  poison(device, tensors.output)
  const recorder = new CommandRecorder(device)
  attention.encode(recorder, shape)
  recorder.submit()
  const output = await readFloats(device, tensors.output)
  const channels = model.numHeads * model.headDim
  expect(Number.isNaN(output[shape.numTokens * channels])).toBe(true)
  return Array.from({ length: shape.numTokens }, (_, t) =>
    output.slice(t * channels, (t + 1) * channels),
  )
}

const referenceTokens = (layer: Layer, seed: number, length: number): RotatedToken[] =>
  Array.from({ length }, (_, p) => rotateToken(layer.model, qkvRow(seed, p, layer.width), p))

const largestError = (got: ArrayLike<number>, expected: readonly number[]): number =>
  expected.reduce((worst, value, i) => {
    const error = Math.abs((got[i] ?? Number.NaN) - value)
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error)
  }, 0)

/**
 * Step 1 prefills the sequences to the given length but for the last `late` rows; step 2 runs
 * those: one row makes a decode sequence, more a later chunk of a prefill.
 */
const runTwoSteps = async (layer: Layer, plan: readonly { length: number; late: number }[]) => {
  const tables = shuffledBlockTables(plan.map(({ length }) => length))
  const at = (i: number) => ({ blockTable: tables[i] ?? [] })
  const early = plan.flatMap(({ length, late }, i) =>
    length > late ? [{ i, sequence: { numComputed: 0, numRows: length - late, ...at(i) } }] : [],
  )
  const first = early.length
    ? await runStep(
        layer,
        early.map(({ sequence }) => sequence),
        early.map(({ i }) => i),
      )
    : []
  const second = await runStep(
    layer,
    plan.map(({ length, late }, i) => ({ numComputed: length - late, numRows: late, ...at(i) })),
    plan.map((_, i) => i),
  )
  const byPosition = plan.map((): Float32Array[] => [])
  for (const { i, sequence } of early) byPosition[i]?.push(...first.splice(0, sequence.numRows))
  plan.forEach(({ late }, i) => byPosition[i]?.push(...second.splice(0, late)))
  return byPosition
}

const expectReference = (layer: Layer, byPosition: readonly Float32Array[][], bound: number) => {
  const scale = 1 / Math.sqrt(layer.model.headDim)
  byPosition.forEach((rows, seed) => {
    const tokens = referenceTokens(layer, seed, rows.length)
    rows.forEach((row, position) => {
      const error = largestError(
        row,
        attendToken(layer.model, tokens, position, { ...layer.model, scale }),
      )
      if (!(error < bound)) {
        throw new Error(`sequence ${seed}, position ${position} of ${rows.length}: off by ${error}`)
      }
    })
  })
}

const ones = (length: number, seed: number) => randomFloats(length, seed).map((x) => 1 + x / 2)

const skipWithoutSubgroups = async (reduction: Reduction): Promise<boolean> =>
  reduction === 'subgroup' && !(await testContext()).hasSubgroups

// Decode sequences come first, each at another place in its last block; then a whole prompt of one
// row, a chunk that starts inside a block, and one that ends in one.
const mixed = [
  { length: 16, late: 1 },
  { length: 17, late: 1 },
  { length: 97, late: 1 },
  { length: 1, late: 1 },
  { length: 31, late: 10 },
  { length: 15, late: 15 },
  { length: 60, late: 41 },
]

const group = (numHeads: number, numKvHeads: number, headDim: number) => ({
  numHeads,
  numKvHeads,
  headDim,
  rotaryDim: headDim,
})

describe.each(reductions)('attention (%s)', (reduction) => {
  const configs: [string, Config, number][] = [
    ['group 3, head 32, f32', { ...group(6, 2, 32), kvFormat: 'f32' }, 1e-5],
    [
      'group 1, head 64, half rotated, f16',
      { ...group(2, 2, 64), rotaryDim: 32, kvFormat: 'f16' },
      2e-3,
    ],
    [
      'group 8, head 128, QK-norm, f32',
      { ...group(8, 1, 128), qNorm: ones(128, 5), kNorm: ones(128, 6), kvFormat: 'f32' },
      1e-4,
    ],
    ['group 2, head 80, f32', { ...group(2, 1, 80), kvFormat: 'f32' }, 1e-5],
    ['group 1, head 96, f16', { ...group(1, 1, 96), kvFormat: 'f16' }, 2e-3],
    [
      'queries that grow, half rotated',
      {
        ...group(2, 1, 64),
        rotaryDim: 32,
        kvFormat: 'f32',
        queryScaling: { beta: 0.5, length: 16 },
      },
      1e-5,
    ],
    ['window of 5, head 32', { ...group(2, 1, 32), kvFormat: 'f32', window: 5 }, 1e-5],
    [
      'window of 33, soft cap, head 256',
      { ...group(4, 2, 256), kvFormat: 'f32', window: 33, softCap: 0.7 },
      1e-4,
    ],
  ]
  it.each(configs)('matches the reference: %s', async (_, config, bound) => {
    if (await skipWithoutSubgroups(reduction)) return
    const layer = await createLayer(reduction, config, 24)
    expectReference(layer, await runTwoSteps(layer, mixed), bound)
  })

  it('splits a long context and joins the splits', async () => {
    if (await skipWithoutSubgroups(reduction)) return
    const layer = await createLayer(reduction, { ...group(4, 2, 32), kvFormat: 'f32' }, 40)
    const plan = [
      { length: 300, late: 1 },
      { length: 7, late: 1 },
    ]
    const byPosition = await runTwoSteps(layer, plan)
    expectReference(layer, byPosition, 1e-5)
  })

  it.each([0, 1, 9, 40])('sees both ways, in a window of %i', async (window) => {
    if (await skipWithoutSubgroups(reduction)) return
    const config: Config = { ...group(4, 2, 32), kvFormat: 'f32', window, causal: false }
    const layer = await createLayer(reduction, config, 24)
    const whole = [1, 97, 16, 17, 33].map((length) => ({ length, late: length }))
    expectReference(layer, await runTwoSteps(layer, whole), 1e-5)
  })
})

describe('attention without reductions', () => {
  const config: Config = {
    numHeads: 6,
    numKvHeads: 2,
    headDim: 32,
    rotaryDim: 32,
    kvFormat: 'f32',
    qNorm: ones(32, 5),
    kNorm: ones(32, 6),
  }

  it('gives the same bits whatever the batch and the chunks', async () => {
    const alone = await createLayer('none', config, 24)
    const [whole] = await runTwoSteps(alone, [{ length: 97, late: 97 }])
    for (const late of [1, 40]) {
      const layer = await createLayer('none', config, 24)
      const [chunked] = await runTwoSteps(layer, [
        { length: 97, late },
        { length: 33, late: 1 },
        { length: 20, late: 20 },
      ])
      expect(chunked).toEqual(whole)
    }
  })
})

it('refuses heads that the kernels do not know', async () => {
  await expect(
    createLayer(
      'none',
      { numHeads: 1, numKvHeads: 1, headDim: 260, rotaryDim: 256, kvFormat: 'f32' },
      4,
    ),
  ).rejects.toThrow(/260 channels/)
})
