import { EngineError } from '../errors.ts'
import type { TensorIndex, TensorInfo } from './safetensors.ts'

/** Some rows of another tensor, under a name of their own. */
export type TensorRows = {
  readonly tensor: string
  readonly firstRow: number
  readonly numRows: number
}

const rowsOf = (info: TensorInfo, name: string, { firstRow, numRows }: TensorRows): TensorInfo => {
  const [rows = 0, ...rest] = info.shape
  if (firstRow + numRows > rows) {
    throw new EngineError(
      'invalid-file',
      `Tensor ${info.name} has ${rows} rows, expected at least ${firstRow + numRows}. Check that ` +
        'config.json belongs to these weights.',
      { details: { tensor: info.name, rows } },
    )
  }
  const rowBytes = info.byteLength / rows
  return {
    ...info,
    name,
    shape: [numRows, ...rest],
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
