import { checkRange, type ByteSource } from '../storage/byte-source.ts'
import type { TensorIndex, TensorInfo } from './safetensors.ts'

/** Bytes of the source that are held besides what is made of them. */
const pieceBytes = 4 * 1024 * 1024

const transposeOf = new WeakMap<TensorInfo, TensorInfo>()

type Matrix = {
  readonly source: TensorInfo
  readonly rows: number
  readonly columns: number
  readonly elementBytes: number
}

const elementsOf = (bytes: Uint8Array, elementBytes: number): Uint16Array | Uint32Array => {
  // A view needs an aligned offset, which a subarray of a file may lack.
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % elementBytes === 0 ? bytes : bytes.slice()
  const length = byteLength / elementBytes
  return elementBytes === 4
    ? new Uint32Array(buffer, byteOffset, length)
    : new Uint16Array(buffer, byteOffset, length)
}

/** The columns [first, first + count) as rows: the source passes by in pieces. */
const readColumns = async (
  { source, rows, columns, elementBytes }: Matrix,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<Uint8Array> => {
  const turned = new Uint8Array(count * rows * elementBytes)
  const target = elementsOf(turned, elementBytes)
  const rowBytes = columns * elementBytes
  const step = Math.max(1, Math.floor(pieceBytes / rowBytes))
  for (let row = 0; row < rows; row += step) {
    const numRows = Math.min(step, rows - row)
    const bytes = await source.file.read(source.offset + row * rowBytes, numRows * rowBytes)
    const piece = elementsOf(bytes, elementBytes)
    for (let i = 0; i < count; i++) {
      const start = i * rows + row
      for (let j = 0; j < numRows; j++) target[start + j] = piece[j * columns + first + i]!
    }
  }
  return turned
}

const transposedFile = (matrix: Matrix): ByteSource => {
  const { source, rows, columns, elementBytes } = matrix
  const rowBytes = rows * elementBytes
  const file: ByteSource = {
    name: source.file.name,
    size: columns * rowBytes,
    read: async (offset, length) => {
      checkRange(file, offset, length)
      if (length === 0) return new Uint8Array()
      const first = Math.floor(offset / rowBytes)
      const count = Math.ceil((offset + length) / rowBytes) - first
      const start = offset - first * rowBytes
      return (await readColumns(matrix, { first, count })).subarray(start, start + length)
    },
  }
  return file
}

/**
 * The transpose of a matrix, as a tensor of its own that is made while it is read: each read goes once
 * through the whole source and holds a few MiB of it at a time. The transpose of a transpose is the
 * tensor that it was made of. What is no matrix of f32, f16 or bf16 stays as it is, for whoever reads
 * it to refuse.
 */
export const transposedTensor = (source: TensorInfo): TensorInfo => {
  const original = transposeOf.get(source)
  if (original) return original
  const [rows = 0, columns = 0] = source.shape
  const elementBytes = source.byteLength / (rows * columns)
  if (source.shape.length !== 2 || (elementBytes !== 2 && elementBytes !== 4)) return source
  const file = transposedFile({ source, rows, columns, elementBytes })
  const { name, dtype, byteLength, storedBytes } = source
  const stored = storedBytes === undefined ? {} : { storedBytes }
  const turned = { name, dtype, shape: [columns, rows], file, offset: 0, byteLength, ...stored }
  transposeOf.set(turned, source)
  return turned
}

/** An index in which some tensors are the transposes of those in the file. */
export const withTransposedTensors = (
  index: TensorIndex,
  isTransposed: (name: string) => boolean,
): TensorIndex => ({
  ...index,
  get: (name) => (isTransposed(name) ? transposedTensor(index.get(name)) : index.get(name)),
})
