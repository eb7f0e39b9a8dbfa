import type { WeightFormat } from '../../kernels/weight-format.ts'
import { planeSizes, type WeightPlanes } from '../quantization.ts'

/**
 * How blocks of a type lie on the GPU: as in the file, except that an f16 scale which keeps them from
 * being whole words, at byte `scaleAt`, stands among the scales.
 */
export type BlockPacking = { readonly format: WeightFormat; readonly scaleAt: number | null }

/** Every block is a whole number of these. */
const halfBytes = 2

const halvesOf = (bytes: Uint8Array): Uint16Array => {
  const aligned = bytes.byteOffset % halfBytes === 0 ? bytes : bytes.slice()
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / halfBytes)
}

/** The planes of rows of blocks, which follow each other in `bytes`. */
export const packBlocks = (
  { format, scaleAt }: BlockPacking,
  blockBytes: number,
  bytes: Uint8Array,
  [numRows, columns]: readonly [number, number],
): WeightPlanes => {
  const sizes = planeSizes(format, numRows, columns)
  const values = new Uint32Array(sizes.values)
  const scales = new Uint32Array(sizes.scales)
  if (scaleAt === null) {
    new Uint8Array(values.buffer).set(bytes)
    return { values, scales }
  }
  const source = halvesOf(bytes)
  const target = new Uint16Array(values.buffer)
  const scaleTarget = new Uint16Array(scales.buffer)
  const [blockHalves, scaleHalf] = [blockBytes / halfBytes, scaleAt / halfBytes]
  const rowHalves = source.length / numRows
  const rowScales = scaleTarget.length / numRows
  let to = 0
  for (let row = 0; row < numRows; row++) {
    let scaleTo = row * rowScales
    for (let from = row * rowHalves; from < (row + 1) * rowHalves; from += blockHalves) {
      for (let i = 0; i < scaleHalf; i++) target[to++] = source[from + i]!
      scaleTarget[scaleTo++] = source[from + scaleHalf]!
      for (let i = scaleHalf + 1; i < blockHalves; i++) target[to++] = source[from + i]!
    }
  }
  return { values, scales }
}
