import type { WeightFormat } from '../../../src/kernels/weight-format.ts'
import { planeSizes } from '../../../src/weights/quantization.ts'
import type { TensorIndex, TensorInfo } from '../../../src/weights/safetensors.ts'

const file = {
  name: 'model.gguf',
  size: 0,
  read: () => Promise.reject(new Error('not to be read')),
}

/** Word `i` of a row: tells the tensor, the row, the plane and its place from all others. */
export const wordOf = (seed: number, row: number, plane: 'values' | 'scales', i: number): number =>
  seed * 2 ** 24 + row * 2 ** 10 + (plane === 'values' ? 0 : 2 ** 9) + i

export type PackedTensor = TensorInfo & {
  /** Bytes of the planes of each read. */
  readonly reads: number[]
}

/** A packed matrix whose words name themselves. */
export const packedTensor = (
  name: string,
  format: WeightFormat,
  [rows, columns]: readonly [number, number],
  seed: number,
): PackedTensor => {
  const row = planeSizes(format, 1, columns)
  const reads: number[] = []
  const plane = (which: 'values' | 'scales', first: number, count: number) =>
    Uint32Array.from({ length: count * row[which] }, (_, at) =>
      wordOf(seed, first + Math.floor(at / row[which]), which, at % row[which]),
    )
  const read = async (first: number, count: number) => {
    if (!(first >= 0 && count > 0 && first + count <= rows)) throw new RangeError('no such rows')
    reads.push(count * 4 * (row.values + row.scales))
    return { values: plane('values', first, count), scales: plane('scales', first, count) }
  }
  return {
    name,
    dtype: 'F32',
    shape: [rows, columns],
    file,
    offset: 0,
    byteLength: rows * columns * 4,
    storedBytes: rows * 100,
    packed: { format, read },
    reads,
  }
}

/** A matrix of plain numbers that nobody reads. */
export const plainTensor = (
  name: string,
  dtype: 'F32' | 'F16' | 'BF16',
  shape: readonly number[],
): TensorInfo => ({ name, dtype, shape, file, offset: 0, byteLength: 0 })

export const indexOf = (tensors: readonly TensorInfo[]): TensorIndex => ({
  get: (name) => tensors.find((tensor) => tensor.name === name)!,
  has: (name) => tensors.some((tensor) => tensor.name === name),
  names: () => tensors.map(({ name }) => name),
  totalBytes: 0,
})
