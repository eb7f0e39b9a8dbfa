import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { createLayerNorm } from '../../src/layers/layer-norm.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { layerNormReference } from '../reference/linear.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'

const { hasSubgroups } = await testContext()
const reductions = (['none', 'workgroup', 'subgroup'] as const).filter(
  (reduction) => reduction !== 'subgroup' || hasSubgroups,
)

type Run = {
  readonly isInPlace?: boolean
  readonly hasAdd?: boolean
  readonly hasBias?: boolean
  /** Row of the input that each sample draws from. */
  readonly sampleRows?: readonly number[]
  /** Of every number: a mean far from zero costs digits where squares are summed first. */
  readonly offset?: number
}

const [width, eps, numRows, sampleRowWords] = [131, 1e-5, 3, 20]

const stepOf = (sampleRows: readonly number[] | undefined): Uint32Array<ArrayBuffer> => {
  const step = new Uint32Array(16 + numRows * sampleRowWords)
  step[sampleRows ? 2 : 0] = numRows
  step[11] = 16
  sampleRows?.forEach((row, i) => step.set([row], 16 + i * sampleRowWords))
  return step
}

const runLayerNorm = async (reduction: Reduction, run: Run): Promise<void> => {
  const context = await testContext(reduction)
  const { device } = context
  const { isInPlace = false, hasAdd = false, hasBias = true, sampleRows, offset = 0 } = run
  const x = randomFloats(5 * width, 1).map((value) => value + offset)
  const [weight, bias] = [randomFloats(width, 2), randomFloats(width, 3)]
  const add = randomFloats(numRows * width, 4)
  const output = createTensor(device, 'out', (numRows + 1) * width * 4)
  poison(device, output)
  if (isInPlace) device.queue.writeBuffer(output.buffer, 0, x, 0, numRows * width)
  const norm = await createLayerNorm(
    { context, pipelines: new PipelineCache(context) },
    {
      input: isInPlace ? output : uploadTensor(device, 'x', x),
      output,
      ...(hasAdd && { add: uploadTensor(device, 'add', add) }),
      weight: uploadTensor(device, 'weight', weight),
      bias: hasBias ? uploadTensor(device, 'bias', bias) : null,
      eps,
      width,
      step: uploadTensor(device, 'step', stepOf(sampleRows)),
      rowCount: sampleRows ? 'samples' : 'tokens',
      gathers: sampleRows !== undefined,
    },
  )
  const recorder = new CommandRecorder(device)
  norm.encode(recorder, numRows)
  recorder.submit()
  const got = await readFloats(device, output)
  for (let m = 0; m < numRows; m++) {
    const from = (sampleRows?.[m] ?? m) * width
    const row = Float64Array.from(
      { length: width },
      (_, k) => x[from + k]! + (hasAdd ? add[m * width + k]! : 0),
    )
    layerNormReference(row, eps).forEach((value, k) => {
      const wanted = value * weight[k]! + (hasBias ? bias[k]! : 0)
      expect(Math.abs(got[m * width + k]! - wanted)).toBeLessThan(2e-6 * (1 + offset))
    })
  }
  expect(Number.isNaN(got[numRows * width])).toBe(true)
}

describe('layer-norm', () => {
  it.each(reductions)('%s: norms rows', (reduction) => runLayerNorm(reduction, {}))

  it.each(reductions)('%s: adds a second input, without a bias', (reduction) =>
    runLayerNorm(reduction, { hasAdd: true, hasBias: false }),
  )

  it.each(reductions)('%s: norms a sum in place', (reduction) =>
    runLayerNorm(reduction, { isInPlace: true, hasAdd: true }),
  )

  it.each(reductions)('%s: norms the sampled rows and no others', (reduction) =>
    runLayerNorm(reduction, { sampleRows: [4, 0, 3] }),
  )

  it.each(reductions)('%s: keeps its digits where the mean is far from zero', (reduction) =>
    runLayerNorm(reduction, { offset: 100 }),
  )

  it('refuses to overwrite what it reads', async () => {
    const context = await testContext()
    const [row, weight] = [
      createTensor(context.device, 'row', 16),
      createTensor(context.device, 'w', 16),
    ]
    const gpu = { context, pipelines: new PipelineCache(context) }
    const shared = { weight, bias: null, eps, width: 4, step: weight, rowCount: 'tokens' } as const
    await expect(
      createLayerNorm(gpu, { ...shared, input: weight, output: row, add: row }),
    ).rejects.toThrow(/overwrites/)
    await expect(
      createLayerNorm(gpu, { ...shared, input: row, output: row, gathers: true }),
    ).rejects.toThrow(/overwrites/)
  })
})
