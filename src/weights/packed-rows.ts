import { planeSizes, type WeightPlanes } from './quantization.ts'
import type { PlannedGroup } from './matrix-plan.ts'
import type { TensorInfo } from './safetensors.ts'

/** Neighbouring rows of a matrix, as they lie on the GPU. */
export type PackedPiece = {
  readonly firstRow: number
  readonly numRows: number
  readonly planes: WeightPlanes
}

/** Row j of each plane in turn. */
const interleave = (planes: readonly Uint32Array[], rowWords: number): Uint32Array => {
  if (planes.length === 1) return planes[0]!
  const rows = rowWords === 0 ? 0 : planes[0]!.length / rowWords
  const whole = new Uint32Array(planes.length * rows * rowWords)
  for (const [at, plane] of planes.entries()) {
    for (let row = 0; row < rows; row++) {
      const words = plane.subarray(row * rowWords, (row + 1) * rowWords)
      whole.set(words, (row * planes.length + at) * rowWords)
    }
  }
  return whole
}

const readRows = async (
  infos: readonly TensorInfo[],
  row: { readonly values: number; readonly scales: number },
  [first, count]: readonly [number, number],
): Promise<WeightPlanes> => {
  const planes: WeightPlanes[] = []
  for (const { packed } of infos) planes.push(await packed!.read(first, count))
  return {
    values: interleave(
      planes.map(({ values }) => values),
      row.values,
    ),
    scales: interleave(
      planes.map(({ scales }) => scales),
      row.scales,
    ),
  }
}

/** Reads the rows of a packed group in order, so many at a time as `maxPieceBytes` holds. */
export async function* readPackedPieces(
  { infos, format, firstRow, numRows }: PlannedGroup,
  columns: number,
  maxPieceBytes: number,
): AsyncGenerator<PackedPiece, void, undefined> {
  const row = planeSizes(format, 1, columns)
  const bytes = infos.length * 4 * (row.values + row.scales)
  const step = Math.max(1, Math.floor(maxPieceBytes / bytes))
  const height = numRows / infos.length
  for (let first = 0; first < height; first += step) {
    const count = Math.min(step, height - first)
    yield {
      firstRow: firstRow + first * infos.length,
      numRows: count * infos.length,
      planes: await readRows(infos, row, [first, count]),
    }
  }
}
