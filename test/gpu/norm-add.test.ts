import { expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindNormAdd, normAddGrid } from '../../src/kernels/norm-add.ts'
import { inverseRms } from '../reference/linear.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'

const { hasSubgroups } = await testContext()
const reductions = (['none', 'workgroup', 'subgroup'] as const).filter(
  (reduction) => reduction !== 'subgroup' || hasSubgroups,
)

it.each(reductions)(
  '%s: adds the normed, scaled rows to the residual stream',
  async (reduction) => {
    const context = await testContext(reduction)
    const { device } = context
    const [hiddenSize, eps, scale, rows] = [131, 1e-5, 0.7, 3]
    const x = randomFloats(rows * hiddenSize, 1)
    const weight = randomFloats(hiddenSize, 2)
    const before = randomFloats(rows * hiddenSize, 3)
    const step = new Uint32Array(16)
    step[0] = rows
    const out = createTensor(device, 'out', (rows + 1) * hiddenSize * 4)
    poison(device, out)
    device.queue.writeBuffer(out.buffer, 0, before)
    const kernel = await bindNormAdd(new PipelineCache(context), reduction, {
      hiddenSize,
      eps,
      scale,
      step: uploadTensor(device, 'step', step),
      x: uploadTensor(device, 'x', x),
      weight: uploadTensor(device, 'weight', weight),
      out,
    })
    const recorder = new CommandRecorder(device)
    recorder.dispatch(kernel, normAddGrid(rows))
    recorder.submit()
    const got = await readFloats(device, out)
    before.forEach((value, i) => {
      const row = Math.floor(i / hiddenSize)
      const factor = scale * inverseRms(x.subarray(row * hiddenSize, (row + 1) * hiddenSize), eps)
      expect(got[i]).toBeCloseTo(value + x[i]! * factor * weight[i % hiddenSize]!, 5)
    })
    expect(Number.isNaN(got[rows * hiddenSize])).toBe(true)
  },
)
