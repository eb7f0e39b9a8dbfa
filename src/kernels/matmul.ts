import linearModule from '../../shaders/lib/linear.wgsl?raw'
import matmulSource from '../../shaders/matmul.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import { epilogueModules, linearBindings, linearOverrides, type Epilogue } from './linear-spec.ts'
import { weightFormatNames, weightFormats, type WeightFormat } from './weight-format.ts'

/** For more rows than matvec's largest tile, on adapters where barriers are cheap. */
export const matmul = (format: WeightFormat, epilogue: Epilogue) =>
  defineKernel({
    name: 'matmul',
    modules: [
      linearModule,
      epilogueModules[epilogue],
      ...weightFormats[format].dequantize,
      matmulSource,
    ],
    overrides: linearOverrides,
    bindings: linearBindings,
  })

export const specs = weightFormatNames.flatMap((format) =>
  (['store', 'add', 'swiglu'] as const).map((epilogue) => matmul(format, epilogue)),
)

const tileRows = 32
const tileWeightRows = 64

export const matmulGrid = (weightRows: number, numRows: number): Grid => {
  const count = Math.ceil(weightRows / tileWeightRows)
  const x = Math.min(count, 65_535)
  return [x, Math.ceil(numRows / tileRows), Math.ceil(count / x)]
}
