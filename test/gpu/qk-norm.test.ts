import { expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindQkNorm, qkNormGrid } from '../../src/kernels/qk-norm.ts'
import { inverseRms } from '../reference/linear.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'

const { hasSubgroups } = await testContext()
const reductions = (['none', 'workgroup', 'subgroup'] as const).filter(
  (reduction) => reduction !== 'subgroup' || hasSubgroups,
)

it.each(reductions)('%s: norms all of q and all of k, and leaves v alone', async (reduction) => {
  const context = await testContext(reduction)
  const { device } = context
  const [qSize, kSize, eps, rows] = [140, 67, 1e-5, 3]
  const rowSize = qSize + 2 * kSize
  const before = randomFloats(rows * rowSize, 1)
  const weight = randomFloats(qSize + kSize, 2)
  const step = new Uint32Array(16)
  step[0] = rows
  const qkv = createTensor(device, 'qkv', (rows + 1) * rowSize * 4)
  poison(device, qkv)
  device.queue.writeBuffer(qkv.buffer, 0, before)
  const kernel = await bindQkNorm(new PipelineCache(context), reduction, {
    qSize,
    kSize,
    eps,
    step: uploadTensor(device, 'step', step),
    weight: uploadTensor(device, 'weight', weight),
    qkv,
  })
  const recorder = new CommandRecorder(device)
  recorder.dispatch(kernel, qkNormGrid(rows))
  recorder.submit()
  const got = await readFloats(device, qkv)
  for (let row = 0; row < rows; row++) {
    const given = before.subarray(row * rowSize, (row + 1) * rowSize)
    const qScale = inverseRms(given.subarray(0, qSize), eps)
    const kScale = inverseRms(given.subarray(qSize, qSize + kSize), eps)
    given.forEach((value, i) => {
      const factor = i < qSize ? qScale * weight[i]! : i < qSize + kSize ? kScale * weight[i]! : 1
      expect(got[row * rowSize + i]).toBeCloseTo(value * factor, 5)
    })
  }
  expect(Number.isNaN(got[rows * rowSize])).toBe(true)
})
