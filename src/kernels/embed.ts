import embedSource from '../../shaders/embed.wgsl?raw'
import flatGridModule from '../../shaders/lib/flat-grid.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import { flatGrid, type Grid } from '../gpu/command-recorder.ts'
import { defineKernel } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import {
  weightFormatNames,
  weightFormats,
  type WeightFormat,
  type WeightMatrix,
} from './weight-format.ts'

const workgroupSize = 64

export const embed = (format: WeightFormat) =>
  defineKernel({
    name: 'embed',
    modules: [stepInput, flatGridModule, ...weightFormats[format].dequantize, embedSource],
    overrides: ['WORKGROUP_SIZE', 'HIDDEN_SIZE', 'FIRST_ROW', 'NUM_ROWS', 'SCALE'],
    bindings: {
      step: 'read',
      last_tokens: 'read',
      weight: 'read',
      scales: 'read',
      out: 'read_write',
    },
  })

export const specs = weightFormatNames.map(embed)

/** One dispatch a shard of the table; `out` is f32 [tokens][columns]. */
export const bindEmbed = async (
  pipelines: PipelineCache,
  { table, scale }: { readonly table: WeightMatrix; readonly scale: number },
  buffers: { readonly step: Tensor; readonly last_tokens: Tensor; readonly out: Tensor },
): Promise<BoundKernel[]> =>
  Promise.all(
    table.shards.map(async ({ firstRow, numRows, format, weight, scales }) => {
      const kernel = await pipelines.compile(embed(format), {
        WORKGROUP_SIZE: workgroupSize,
        HIDDEN_SIZE: table.columns,
        FIRST_ROW: firstRow,
        NUM_ROWS: numRows,
        SCALE: scale,
      })
      return kernel.bind({ ...buffers, weight, scales })
    }),
  )

export const embedGrid = (numTokens: number, hiddenSize: number): Grid =>
  flatGrid(Math.ceil((numTokens * hiddenSize) / 4 / workgroupSize))
