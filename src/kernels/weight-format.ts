import dequantizeF16 from '../../shaders/lib/dequantize-f16.wgsl?raw'
import dequantizeF32 from '../../shaders/lib/dequantize-f32.wgsl?raw'
import dequantizeQ4 from '../../shaders/lib/dequantize-q4.wgsl?raw'
import dequantizeQ8 from '../../shaders/lib/dequantize-q8.wgsl?raw'
import type { Tensor } from '../gpu/tensor.ts'

/** How a weight matrix lies in GPU memory; `weights/quantization.ts` defines each exactly. */
export type WeightFormat = 'f32' | 'f16' | 'q8' | 'q4'

/** The WGSL module that reads a format: `dequantize4(row, column, columns) -> vec4f`. */
export const dequantizeModules: Readonly<Record<WeightFormat, string>> = {
  f32: dequantizeF32,
  f16: dequantizeF16,
  q8: dequantizeQ8,
  q4: dequantizeQ4,
}

/**
 * A matrix [rows][columns] on the GPU, cut into shards of whole rows where the adapter cannot bind
 * it in one piece. `scales` is a dummy for formats without scales.
 */
export type WeightMatrix = {
  readonly format: WeightFormat
  readonly rows: number
  readonly columns: number
  readonly shards: readonly {
    readonly firstRow: number
    readonly numRows: number
    readonly weight: Tensor
    readonly scales: Tensor
  }[]
}
