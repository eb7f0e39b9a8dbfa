import { describe, expect, it } from 'vitest'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import type { Gpu } from '../../src/layers/gpu.ts'
import { randomFloats, testContext } from './context.ts'
import { runLinear, type LinearRun } from './linear-fixture.ts'

// Software adapters compile kernels with barriers slowly, so that the cases of the other two forms
// are few; the three forms share all but the last step.
const few: readonly LinearRun[] = [
  { format: 'q8', rows: 1, weightRows: 65, columns: 96, epilogue: 'store', norm: true, bias: true },
  { format: 'q4', rows: 2, weightRows: 6, columns: 288, epilogue: 'swiglu', cuts: [0, 2] },
  { format: 'f16', rows: 3, weightRows: 5, columns: 260, epilogue: 'add', norm: true },
]

const many: readonly LinearRun[] = [
  ...few,
  { format: 'f32', rows: 1, weightRows: 1, columns: 4, epilogue: 'store', bias: true },
  { format: 'f32', rows: 8, weightRows: 67, columns: 36, epilogue: 'add', norm: true },
  { format: 'q8', rows: 7, weightRows: 63, columns: 32, epilogue: 'add', rowCount: 'samples' },
  { format: 'q4', rows: 17, weightRows: 66, columns: 224, epilogue: 'swiglu', norm: true },
  { format: 'f32', rows: 2, weightRows: 6, columns: 20, epilogue: 'geglu-tanh', norm: true },
  { format: 'f32', rows: 2, weightRows: 6, columns: 20, epilogue: 'geglu', norm: true },
  { format: 'f32', rows: 2, weightRows: 67, columns: 20, epilogue: 'gelu', bias: true },
  { format: 'f16', rows: 1, weightRows: 7, columns: 20, epilogue: 'gelu-tanh', bias: true },
  { format: 'q8', rows: 1, weightRows: 5, columns: 32, epilogue: 'silu' },
  { format: 'q8', rows: 3, weightRows: 9, columns: 64, epilogue: 'add', outputScale: 0.22 },
  { format: 'f16', rows: 1, weightRows: 5, columns: 16, epilogue: 'store', softCap: 0.6 },
  { format: 'f16', rows: 9, weightRows: 7, columns: 12, epilogue: 'store', outputStride: 11 },
  { format: 'f8', rows: 9, weightRows: 6, columns: 160, epilogue: 'swiglu', cuts: [0, 2] },
]

/** Formats whose kernels differ in little more than how they read a weight. */
const inGroups = (
  [
    ...(['q4_1', 'q5_0', 'q5_1', 'iq4_nl', 'q2_k', 'q3_k', 'q4_k', 'q5_k', 'q6_k'] as const),
    ...(['q4z', 'q8z', 'f8'] as const),
  ] as const
).map((format, i): LinearRun => ({
  format,
  rows: [1, 2, 3][i % 3]!,
  weightRows: 5,
  columns: 768,
  epilogue: 'store',
  norm: i % 2 === 0,
}))

const testGpu = async (reduction: 'none' | 'workgroup' | 'subgroup'): Promise<Gpu> => {
  const context = await testContext(reduction)
  return { context, pipelines: new PipelineCache(context) }
}

const { hasSubgroups } = await testContext()

describe('matvec', () => {
  it.each(many)('none: $format, $rows rows, $weightRows x $columns, $epilogue', async (options) => {
    await runLinear(await testGpu('none'), options)
  })

  it.each(inGroups)('none: $format, $rows rows', async (options) => {
    await runLinear(await testGpu('none'), options)
  })

  it.each([...few, inGroups[6]!, inGroups[8]!, inGroups[9]!])(
    'workgroup: $format, $rows rows, $epilogue',
    async (options) => {
      await runLinear(await testGpu('workgroup'), options)
    },
  )

  const subgroupTest = it.skipIf(!hasSubgroups)
  subgroupTest.each(few)('subgroup: $format, $rows rows, $epilogue', async (options) => {
    await runLinear(await testGpu('subgroup'), options)
  })

  it.each(['f32', 'f16', 'q8', 'q4', 'q5_0', 'q4_k'] as const)(
    'none, %s: a row has the same bits in every tile of every batch',
    async (format) => {
      const [weightRows, columns] = [6, format.endsWith('_k') ? 256 : 96]
      const gpu = await testGpu('none')
      const row = randomFloats(columns, 9)
      const run = async (rows: number, at: number) => {
        const x = randomFloats(rows * columns, 10)
        x.set(row, at * columns)
        const shape = { format, rows, weightRows, columns, x }
        const got = await runLinear(gpu, { ...shape, epilogue: 'store', norm: true })
        return new Uint32Array(got.buffer, at * weightRows * 4, weightRows).join()
      }
      const alone = await run(1, 0)
      for (const [rows, at] of [
        [2, 1],
        [4, 2],
        [8, 5],
        [27, 25],
      ] as const) {
        expect(await run(rows, at)).toBe(alone)
      }
    },
  )
})
