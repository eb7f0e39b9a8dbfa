import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindEmbed, embedGrid } from '../../src/kernels/embed.ts'
import { weightFormatNames } from '../../src/kernels/weight-format.ts'
import { poison, randomFloats, readFloats, testContext } from './context.ts'
import { weightMatrix } from './linear-fixture.ts'

describe('embed', () => {
  it('gathers rows by host ids and by slots, over shards', async () => {
    const { device, ...rest } = await testContext()
    const pipelines = new PipelineCache({ device, ...rest })
    const [rows, columns] = [37, 32]
    const table = randomFloats(rows * columns, 1)
    const shard = (firstRow: number, numRows: number) => ({
      firstRow,
      numRows,
      format: 'f32' as const,
      weight: uploadTensor(
        device,
        'table',
        table.slice(firstRow * columns, (firstRow + numRows) * columns),
      ),
      scales: createTensor(device, 'no scales', 4),
    })
    const ids = [0, 36, 17, 16]
    const header = new Uint32Array(16 + ids.length)
    header.set([5, 0, 0, 16])
    const step = uploadTensor(
      device,
      'step',
      new Uint32Array([...header.subarray(0, 16), ...ids, 0x80000002]),
    )
    const lastTokens = uploadTensor(device, 'last tokens', new Uint32Array([1, 2, 35]))
    const out = createTensor(device, 'out', 6 * columns * 4)
    poison(device, out)
    const kernels = await bindEmbed(
      pipelines,
      {
        table: { rows, columns, shards: [shard(0, 17), shard(17, 20)] },
        scale: 3,
      },
      { step, last_tokens: lastTokens, out },
    )
    const recorder = new CommandRecorder(device)
    for (const kernel of kernels) recorder.dispatch(kernel, embedGrid(5, columns))
    recorder.submit()
    const got = await readFloats(device, out)
    const expected = [...ids, 35].flatMap((id) =>
      [...table.subarray(id * columns, (id + 1) * columns)].map((x) => Math.fround(3 * x)),
    )
    expect([...got.subarray(0, 5 * columns)]).toEqual(expected)
    expect(Number.isNaN(got[5 * columns])).toBe(true)
  })

  it.each(weightFormatNames)(
    '%s: the values are those of the CPU, to the last bit',
    async (format) => {
      const context = await testContext()
      const { device } = context
      const [rows, columns] = [5, 768]
      const { matrix, values } = weightMatrix(device, format, [rows, columns], [0, 2])
      const ids = [0, 1, 2, 3, 4]
      const header = new Uint32Array([5, 0, 0, 16, ...Array<number>(12).fill(0), ...ids])
      const step = uploadTensor(device, 'step', header)
      const lastTokens = createTensor(device, 'last tokens', 4)
      const out = createTensor(device, 'out', rows * columns * 4)
      poison(device, out)
      const kernels = await bindEmbed(
        new PipelineCache(context),
        { table: matrix, scale: 1 },
        { step, last_tokens: lastTokens, out },
      )
      const recorder = new CommandRecorder(device)
      for (const kernel of kernels) recorder.dispatch(kernel, embedGrid(rows, columns))
      recorder.submit()
      const got = await readFloats(device, out)
      // Zeros may differ in sign.
      expect(got.findIndex((value, i) => value !== values[i])).toBe(-1)
      expect(new Set(values).size).toBeGreaterThan(100)
    },
  )
})
