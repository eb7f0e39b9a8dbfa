import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { addPositionsGrid, bindAddPositions } from '../kernels/add-positions.ts'
import { bindEmbed, embedGrid } from '../kernels/embed.ts'
import type { WeightMatrix } from '../kernels/weight-format.ts'
import type { Gpu } from './gpu.ts'

export type TokenEmbedding = { encode(recorder: CommandRecorder, numTokens: number): void }

/** output = scale * table[token] + positions[position], in a dispatch a shard and one a table of positions. */
export const createTokenEmbedding = async (
  { pipelines }: Gpu,
  options: {
    /** [vocabSize][width]. */
    readonly table: WeightMatrix
    readonly scale: number
    /** f32 [maxModelLen or more][width], or [width] for all: positions that were learned. */
    readonly positions?: readonly Tensor[]
    readonly step: Tensor
    /** The token drawn last in each slot, u32. */
    readonly lastTokens: Tensor
    /** f32 [tokens][width]. */
    readonly output: Tensor
  },
): Promise<TokenEmbedding> => {
  const { table, scale, positions = [], step, lastTokens, output } = options
  const width = table.columns
  const tensors = { step, last_tokens: lastTokens, out: output }
  const [embed, addPositions] = await Promise.all([
    bindEmbed(pipelines, { table, scale }, tensors),
    Promise.all(
      positions.map((rows) =>
        bindAddPositions(pipelines, width, { step, table: rows, out: output }),
      ),
    ),
  ])
  return {
    encode(recorder, numTokens) {
      const grid = embedGrid(numTokens, width)
      for (const kernel of embed) recorder.dispatch(kernel, grid)
      const positionsGrid = addPositionsGrid(numTokens, width)
      for (const kernel of addPositions) recorder.dispatch(kernel, positionsGrid)
    },
  }
}
