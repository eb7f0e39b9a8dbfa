import { expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindPool, poolGrid, type Pooling } from '../../src/kernels/pool.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'

const width = 76
const lengths = [1, 40, 17, 2]

const expected = (rows: readonly Float32Array[], pooling: Pooling): number[] => {
  if (pooling === 'cls') return [...rows[0]!]
  if (pooling === 'last') return [...rows.at(-1)!]
  return Array.from(rows[0]!, (_, k) => rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length)
}

const cases = (['none', 'workgroup'] as const).flatMap((reduction) =>
  (['mean', 'cls', 'last'] as const).map((pooling) => ({ reduction, pooling })),
)

it.each(cases)('pools by $pooling in $reduction form', async ({ reduction, pooling }) => {
  const context = await testContext(reduction)
  const { device } = context
  const numRows = lengths.reduce((sum, length) => sum + length, 0)
  const x = randomFloats(numRows * width, 3)
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, n) => sum + n, 0))
  const step = new Uint32Array(16 + lengths.length + 1)
  step[7] = 16
  step.set([...starts, numRows], 16)
  const out = createTensor(device, 'out', (lengths.length + 1) * width * 4)
  poison(device, out)
  const kernel = await bindPool(new PipelineCache(context), reduction, {
    pooling,
    width,
    step: uploadTensor(device, 'step', step),
    x: uploadTensor(device, 'x', x),
    out,
  })
  const recorder = new CommandRecorder(device)
  recorder.dispatch(kernel, poolGrid(width, lengths.length))
  recorder.submit()
  const got = await readFloats(device, out)
  lengths.forEach((length, i) => {
    const rows = Array.from({ length }, (_, row) => {
      const at = (starts[i]! + row) * width
      return x.subarray(at, at + width)
    })
    expected(rows, pooling).forEach((value, k) => expect(got[i * width + k]).toBeCloseTo(value, 6))
  })
  expect(Number.isNaN(got[lengths.length * width])).toBe(true)
})
