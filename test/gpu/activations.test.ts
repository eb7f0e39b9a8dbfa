import { expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { createLinear } from '../../src/layers/linear.ts'
import { activations } from '../reference/linear.ts'
import { readFloats, testContext } from './context.ts'

const columns = 4

/** Through a linear layer that changes nothing. */
const activated = async (
  epilogue: keyof typeof activations,
  x: Float32Array<ArrayBuffer>,
): Promise<Float32Array> => {
  const context = await testContext('none')
  const { device } = context
  const upload = (data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) =>
    uploadTensor(device, 'test', data)
  const identity = Float32Array.from({ length: columns ** 2 }, (_, i) => (i % 5 === 0 ? 1 : 0))
  const scales = createTensor(device, 'scales', 16)
  const shard = { firstRow: 0, numRows: columns, weight: upload(identity), scales }
  const [step, numRows] = [new Uint32Array(16), x.length / columns]
  step[0] = numRows
  const output = createTensor(device, 'out', x.byteLength)
  const layer = await createLinear(
    { context, pipelines: new PipelineCache(context) },
    {
      weight: { rows: columns, columns, shards: [{ ...shard, format: 'f32' }] },
      input: upload(x),
      output,
      step: upload(step),
      epilogue,
      rowCount: 'tokens',
    },
  )
  const recorder = new CommandRecorder(device)
  layer.encode(recorder, numRows)
  recorder.submit()
  return readFloats(device, output)
}

it.each(['silu', 'gelu', 'gelu-tanh'] as const)('%s, to the last digits', async (name) => {
  const x = Float32Array.from({ length: 4096 }, (_, i) => (i - 2048) / 256)
  const far = Float32Array.of(-1e4, -100, -20, -12, 12, 20, 100, 1e4)
  const both = Float32Array.of(...x, ...far)
  const got = await activated(name, both)
  both.forEach((value, i) => {
    const error = Math.abs(got[i]! - activations[name](value))
    expect([value, error < 4e-7 * Math.max(1, Math.abs(value))]).toEqual([value, true])
  })
})
