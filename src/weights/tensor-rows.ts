import { EngineError } from '../errors.ts'
import type { TensorIndex, TensorInfo } from './safetensors.ts'

/**
 * Some rows of another tensor, under a name of their own. Several matrices in one tensor count as one;
 * the rows of a vector are its numbers.
 */
export type TensorRows = {
  readonly tensor: string
  readonly firstRow: number
  readonly numRows: number
}

const rowsOf = (info: TensorInfo, name: string, { firstRow, numRows }: TensorRows): TensorInfo => {
  const columns = info.shape.slice(1).slice(-1)
  const rows = info.shape.slice(0, columns.length === 0 ? 1 : -1).reduce((a, b) => a * b, 1)
  if (firstRow + numRows > rows) {
    throw new EngineError(
      'invalid-file',
      `Tensor ${info.name} has ${rows} rows, expected at least ${firstRow + numRows}. Check that ` +
        'config.json belongs to these weights.',
      { details: { tensor: info.name, rows } },
    )
  }
  const rowBytes = info.byteLength / rows
  const { storedBytes, packed } = info
  return {
    ...info,
    ...(storedBytes !== undefined && { storedBytes: (storedBytes / rows) * numRows }),
    ...(packed && {
      packed: { ...packed, read: (first, count) => packed.read(firstRow + first, count) },
    }),
    name,
    shape: [numRows, ...columns],
    offset: info.offset + firstRow * rowBytes,
    byteLength: numRows * rowBytes,
  }
}

/**
 * An index in which parts of tensors can be asked for as if each were a tensor.
 *
 * @param partOf Where a name's rows lie; null for a name that stands in the index itself.
 */
export const withTensorRows = (
  index: TensorIndex,
  partOf: (name: string) => TensorRows | null,
): TensorIndex => ({
  ...index,
  get: (name) => {
    const part = partOf(name)
    return part ? rowsOf(index.get(part.tensor), name, part) : index.get(name)
  },
  has: (name) => index.has(partOf(name)?.tensor ?? name),
})
