import { EngineError } from '../../errors.ts'
import type { TensorDtype, TensorInfo } from '../safetensors.ts'
import { readTensorPieces } from '../tensor-reader.ts'

/** Rows or columns next to each other. */
export type Span = { readonly first: number; readonly count: number }

const chunkBytes = 4 * 1024 * 1024

const wrongTensor = ({ name, dtype, shape }: TensorInfo, expected: string): EngineError =>
  new EngineError(
    'invalid-file',
    `Tensor ${name} is ${dtype} [${shape.join(', ')}], expected ${expected}. Check that ` +
      "config.json's quantization_config belongs to these weights.",
    { details: { tensor: name, dtype } },
  )

/**
 * @param dtype null where several are good.
 * @throws EngineError `invalid-file` naming the tensor and what it should be.
 */
export const expectTensor = (
  info: TensorInfo,
  dtype: TensorDtype | null,
  shape: readonly number[],
): void => {
  const isShape = info.shape.length === shape.length && info.shape.every((n, i) => n === shape[i])
  if (isShape && (dtype === null || info.dtype === dtype)) return
  throw wrongTensor(info, `${dtype ?? info.dtype} [${shape.join(', ')}]`)
}

/** @throws EngineError `invalid-file` for a tensor that is no matrix of this type. */
export const matrixShape = (info: TensorInfo, dtype: TensorDtype): readonly [number, number] => {
  const [rows = 0, columns = 0] = info.shape
  if (info.dtype === dtype && info.shape.length === 2 && rows > 0 && columns > 0) {
    return [rows, columns]
  }
  throw wrongTensor(info, `a matrix of ${dtype}`)
}

/** Whole rows of a matrix, as stored. */
export const readRows = (info: TensorInfo, { first, count }: Span): Promise<Uint8Array> => {
  const rowBytes = info.byteLength / info.shape[0]!
  return info.file.read(info.offset + first * rowBytes, count * rowBytes)
}

/**
 * Some columns of every row of a matrix, as stored, row after row. The tensor passes by in chunks, so
 * that no more than one of them is held besides the columns.
 */
export const readColumns = async (info: TensorInfo, span: Span): Promise<Uint8Array> => {
  const [rows = 0, columns = 0] = info.shape
  if (span.count === columns) return readRows(info, { first: 0, count: rows })
  const rowBytes = info.byteLength / rows
  const elementBytes = rowBytes / columns
  const width = span.count * elementBytes
  const stripe = new Uint8Array(rows * width)
  let at = 0
  for await (const { bytes } of readTensorPieces(info, { rowBytes, maxPieceBytes: chunkBytes })) {
    for (let row = span.first * elementBytes; row < bytes.length; row += rowBytes) {
      stripe.set(bytes.subarray(row, row + width), at)
      at += width
    }
  }
  return stripe
}

/** Bytes as words, which may share their memory. */
export const wordsOf = (bytes: Uint8Array): Uint32Array => {
  // A typed-array view needs an aligned offset, which a subarray of a file may lack.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}

/** A matrix [rows][columns] as [columns][rows]. */
export const transposed = (matrix: Float32Array, rows: number, columns: number): Float32Array => {
  const result = new Float32Array(matrix.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = matrix[row * columns + column]!
    }
  }
  return result
}
