import { type ByteSource, checkRange } from '../../storage/byte-source.ts'
import { float16Bits } from '../float16.ts'
import type { TensorInfo } from '../safetensors.ts'
import type { Span } from './stored-matrix.ts'

/** A matrix that is stored in another way than as numbers. */
export type ConvertedMatrix = {
  readonly name: string
  readonly rows: number
  readonly columns: number
  /** The tensor of the codes, whose file messages should name. */
  readonly codes: TensorInfo
  /** Bytes that the files hold of it. */
  readonly storedBytes: number
  /** The numbers of some rows. */
  readonly dequantize: (rows: Span) => Promise<Float32Array>
}

/** The matrix as a tensor of a file of its own, which is made as it is read. */
export const convertedTensor = (matrix: ConvertedMatrix, dtype: 'F32' | 'F16'): TensorInfo => {
  const { name, rows, columns, codes, storedBytes } = matrix
  const rowBytes = columns * (dtype === 'F32' ? 4 : 2)
  const file: ByteSource = {
    name: codes.file.name,
    size: rows * rowBytes,
    read: async (offset, length) => {
      checkRange(file, offset, length)
      if (length === 0) return new Uint8Array()
      const first = Math.floor(offset / rowBytes)
      const count = Math.ceil((offset + length) / rowBytes) - first
      const start = offset - first * rowBytes
      const numbers = await matrix.dequantize({ first, count })
      const stored = dtype === 'F32' ? numbers : Uint16Array.from(numbers, float16Bits)
      return new Uint8Array(stored.buffer).subarray(start, start + length)
    },
  }
  return {
    name,
    dtype,
    shape: [rows, columns],
    file,
    offset: 0,
    byteLength: file.size,
    storedBytes,
  }
}
