import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindGatherNorm, gatherNormGrid } from '../../src/kernels/gather-norm.ts'
import { inverseRms } from '../reference/linear.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'

const sampleRowWords = 20
const { hasSubgroups } = await testContext()
const reductions = (['none', 'workgroup', 'subgroup'] as const).filter(
  (reduction) => reduction !== 'subgroup' || hasSubgroups,
)

describe('gather-norm', () => {
  const cases = reductions.flatMap((reduction) => [
    { reduction, gathers: true },
    { reduction, gathers: false },
  ])
  it.each(cases)('norms the rows it is to and no others: %j', async ({ reduction, gathers }) => {
    const context = await testContext(reduction)
    const { device } = context
    const [hiddenSize, eps, rows] = [132, 1e-5, [4, 0, 3]]
    const x = randomFloats(5 * hiddenSize, 1)
    const weight = randomFloats(hiddenSize, 2)
    const step = new Uint32Array(16 + rows.length * sampleRowWords)
    step[2] = rows.length
    step[11] = 16
    rows.forEach((row, i) => step.set([row], 16 + i * sampleRowWords))
    const out = createTensor(device, 'out', (rows.length + 1) * hiddenSize * 4)
    poison(device, out)
    const kernel = await bindGatherNorm(new PipelineCache(context), reduction, {
      hiddenSize,
      eps,
      gathers,
      step: uploadTensor(device, 'step', step),
      x: uploadTensor(device, 'x', x),
      weight: uploadTensor(device, 'weight', weight),
      out,
    })
    const recorder = new CommandRecorder(device)
    recorder.dispatch(kernel, gatherNormGrid(rows.length))
    recorder.submit()
    const got = await readFloats(device, out)
    const read = gathers ? rows : [0, 1, 2]
    read.forEach((row, i) => {
      const source = x.subarray(row * hiddenSize, (row + 1) * hiddenSize)
      const scale = inverseRms(source, eps)
      source.forEach((value, k) => {
        expect(got[i * hiddenSize + k]).toBeCloseTo(value * scale * weight[k]!, 5)
      })
    })
    expect(Number.isNaN(got[rows.length * hiddenSize])).toBe(true)
  })
})
