import { describe, it } from 'vitest'
import type { KernelSpec, OverridesOf } from '../../src/gpu/kernel.ts'
import {
  PipelineCache,
  type BoundKernel,
  type CompiledKernel,
} from '../../src/gpu/pipeline-cache.ts'
import { testContext } from './context.ts'
import { runLinear, type LinearRun } from './linear-fixture.ts'

const cases: readonly LinearRun[] = [
  { format: 'f32', rows: 9, weightRows: 1, columns: 4, epilogue: 'store', bias: true },
  { format: 'f16', rows: 33, weightRows: 65, columns: 36, epilogue: 'add', norm: true },
  {
    format: 'q8',
    rows: 31,
    weightRows: 67,
    columns: 96,
    epilogue: 'store',
    norm: true,
    bias: true,
  },
  { format: 'q4', rows: 17, weightRows: 134, columns: 224, epilogue: 'swiglu', cuts: [0, 66] },
  { format: 'q4', rows: 65, weightRows: 3, columns: 32, epilogue: 'store', outputStride: 5 },
  { format: 'q4_k', rows: 34, weightRows: 66, columns: 256, epilogue: 'store', norm: true },
  { format: 'q6_k', rows: 9, weightRows: 5, columns: 512, epilogue: 'add' },
  { format: 'q4z', rows: 9, weightRows: 67, columns: 96, epilogue: 'store', bias: true },
  { format: 'f8', rows: 33, weightRows: 6, columns: 160, epilogue: 'add' },
]

// A linear layer compiles its matvecs too, which takes a software adapter seconds: leave them out.
class MatmulOnly extends PipelineCache {
  override async compile<Spec extends KernelSpec>(
    spec: Spec,
    overrides: OverridesOf<Spec>,
  ): Promise<CompiledKernel<Spec>> {
    if (spec.name === 'matmul') return super.compile(spec, overrides)
    return { bind: () => ({ name: 'left out' }) as BoundKernel }
  }
}

describe('matmul', () => {
  it.each(cases)('$format, $rows rows, $weightRows x $columns, $epilogue', async (options) => {
    const context = await testContext('workgroup')
    await runLinear({ context, pipelines: new MatmulOnly(context) }, options)
  })
})
