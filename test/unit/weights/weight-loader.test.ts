import { expect, test } from 'vitest'
import type { GpuContext } from '../../../src/gpu/device.ts'
import { PipelineCache } from '../../../src/gpu/pipeline-cache.ts'
import type { WeightMatrix } from '../../../src/kernels/weight-format.ts'
import { planeSizes } from '../../../src/weights/quantization.ts'
import type { TensorInfo } from '../../../src/weights/safetensors.ts'
import { createWeightLoader } from '../../../src/weights/weight-loader.ts'
import { indexOf, packedTensor, wordOf, type PackedTensor } from './packed-fixture.ts'

type Contents = Map<unknown, Uint8Array>

/** A device of which only memory works; `writes` are the sizes of what came at once. */
const memoryDevice = (limit = 2 ** 27) => {
  const contents: Contents = new Map()
  const writes: number[] = []
  const device = {
    limits: { maxBufferSize: limit, maxStorageBufferBindingSize: limit },
    createBuffer: ({ size }: { readonly size: number }) => {
      const buffer = {}
      contents.set(buffer, new Uint8Array(size))
      return buffer
    },
    queue: {
      writeBuffer: (buffer: unknown, offset: number, data: Uint32Array) => {
        writes.push(data.byteLength)
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        contents.get(buffer)!.set(bytes, offset)
      },
      onSubmittedWorkDone: () => Promise.resolve(),
    },
  } as unknown as GPUDevice
  return { device, contents, writes }
}

const load = async (
  tensors: readonly TensorInfo[],
  names: readonly (readonly string[])[],
  limit?: number,
) => {
  const { device, contents, writes } = memoryDevice(limit)
  const context = { device } as GpuContext
  const reports: number[] = []
  const loader = createWeightLoader(
    { context, pipelines: new PipelineCache(context) },
    {
      index: indexOf(tensors),
      quantization: 'stored',
      dtype: 'auto',
      onProgress: (bytes) => reports.push(bytes),
    },
  )
  return { matrix: await loader.interleavedGroups(names), contents, writes, reports }
}

/** Which tensor's which row every row of a matrix is; checks each word of it. */
const rowsOf = (matrix: WeightMatrix, contents: Contents): string[] =>
  matrix.shards.flatMap(({ format, numRows, weight, scales }) => {
    const size = planeSizes(format, 1, matrix.columns)
    const [values, second] = [weight, scales].map(
      ({ buffer }) => new Uint32Array(contents.get(buffer)!.buffer),
    )
    return Array.from({ length: numRows }, (_, row) => {
      const first = values![row * size.values]!
      const [seed, own] = [Math.floor(first / 2 ** 24), (first % 2 ** 24) / 2 ** 10]
      for (let i = 0; i < size.values; i++) {
        expect(values![row * size.values + i]).toBe(wordOf(seed, own, 'values', i))
      }
      for (let i = 0; i < size.scales; i++) {
        expect(second![row * size.scales + i]).toBe(wordOf(seed, own, 'scales', i))
      }
      return `${seed}.${own}`
    })
  })

const numbered = (seed: number, count: number): string[] =>
  Array.from({ length: count }, (_, row) => `${seed}.${row}`)

test('rows of equal formats share a shard, others begin their own', async () => {
  const tensors = [
    packedTensor('q', 'q4_k', [6, 512], 1),
    packedTensor('k', 'q4_k', [3, 512], 2),
    packedTensor('v', 'q6_k', [3, 512], 3),
  ]
  const { matrix, contents, reports } = await load(tensors, [['q'], ['k'], ['v']])
  expect(matrix).toMatchObject({ rows: 12, columns: 512 })
  expect(matrix.shards.map(({ format, firstRow, numRows }) => [format, firstRow, numRows])).toEqual(
    [
      ['q4_k', 0, 9],
      ['q6_k', 9, 3],
    ],
  )
  expect(rowsOf(matrix, contents)).toEqual([
    ...numbered(1, 6),
    ...numbered(2, 3),
    ...numbered(3, 3),
  ])
  expect(reports.at(-1)).toBe(1200)
})

test('rows of gate and up come in turn, scales with them', async () => {
  const tensors = [packedTensor('gate', 'q5_0', [5, 96], 1), packedTensor('up', 'q5_0', [5, 96], 2)]
  const { matrix, contents } = await load(tensors, [['gate', 'up']])
  const inTurn = numbered(1, 5).flatMap((row, i) => [row, numbered(2, 5)[i]!])
  expect(rowsOf(matrix, contents)).toEqual(inTurn)
})

test('pairs of many experts, cut into shards where the adapter binds no more', async () => {
  const names = [0, 1, 2, 3].map((expert) => [`${expert}.gate`, `${expert}.up`])
  const tensors = names.flat().map((name, i) => packedTensor(name, 'q8', [10, 64], i + 1))
  // 16 rows of 64 bytes, so that shards end within experts.
  const { matrix, contents } = await load(tensors, names, 2 * 16 * 64)
  expect(matrix.shards.map(({ numRows }) => numRows)).toEqual([32, 32, 16])
  const pairs = [1, 3, 5, 7].flatMap((seed) =>
    numbered(seed, 10).flatMap((row, i) => [row, numbered(seed + 1, 10)[i]!]),
  )
  expect(rowsOf(matrix, contents)).toEqual(pairs)
})

test('refuses a matrix of which not even a few rows can be bound', async () => {
  const tensors = [packedTensor('wide', 'q8', [2, 4096], 1)]
  await expect(load(tensors, [['wide']], 4096)).rejects.toMatchObject({ code: 'limit-exceeded' })
})

test.each<[string, (tensors: readonly PackedTensor[]) => readonly (readonly string[])[]]>([
  ['one after the other', (tensors) => tensors.map(({ name }) => [name])],
  ['in turn', (tensors) => [tensors.map(({ name }) => name)]],
])('%s: JavaScript holds at most 8 MiB of rows at once', async (_, groupsOf) => {
  // 20.7 MiB each.
  const tensors = [1, 2].map((seed) => packedTensor(`${seed}`, 'q6_k', [3100, 8192], seed))
  const groups = groupsOf(tensors)
  const { writes, reports, matrix } = await load(tensors, groups)
  const largestRead = Math.max(...tensors.flatMap(({ reads }) => reads)) * groups[0]!.length
  expect(largestRead).toBeLessThanOrEqual(8 * 2 ** 20)
  expect(largestRead).toBeGreaterThan(7.9 * 2 ** 20)
  expect(Math.max(...writes)).toBeLessThanOrEqual(largestRead)
  const { values, scales } = planeSizes('q6_k', matrix.rows, matrix.columns)
  expect(writes.reduce((sum, bytes) => sum + bytes, 0)).toBe(4 * (values + scales))
  expect(reports.at(-1)).toBe(2 * 3100 * 100)
})
