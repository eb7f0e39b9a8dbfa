import { describe, expect, test } from 'vitest'
import { blobByteSource, type ByteSource } from '../../../src/storage/byte-source.ts'
import type { TensorDtype, TensorInfo } from '../../../src/weights/safetensors.ts'
import { readTensor, readTensorPieces } from '../../../src/weights/tensor-reader.ts'
import { transposedTensor } from '../../../src/weights/transposed-tensor.ts'

type Shape = readonly [number, number]

/** Element (row, column) is their numbers beside each other, row * 256 + column. */
const elementsOf = (dtype: 'F32' | 'F16' | 'BF16', [rows, columns]: Shape) => {
  const Elements = dtype === 'F32' ? Uint32Array : Uint16Array
  return new Elements(rows * columns).map((_, i) => Math.floor(i / columns) * 256 + (i % columns))
}

const tensorIn = (
  file: ByteSource,
  dtype: TensorDtype,
  shape: Shape,
  bytes: number,
): TensorInfo => ({
  name: 'matrix',
  dtype,
  shape,
  file,
  offset: 6,
  byteLength: bytes,
})

const stored = (dtype: 'F32' | 'F16' | 'BF16', shape: Shape): TensorInfo => {
  const elements = elementsOf(dtype, shape)
  const file = blobByteSource('model.safetensors', new Blob([new Uint8Array(6), elements]))
  return tensorIn(file, dtype, shape, elements.byteLength)
}

const turned = (dtype: 'F32' | 'F16' | 'BF16', [rows, columns]: Shape): Uint8Array => {
  const elements = elementsOf(dtype, [rows, columns])
  const moved = elements.map((_, i) => elements[(i % rows) * columns + Math.floor(i / rows)]!)
  return new Uint8Array(moved.buffer)
}

describe.each(['F32', 'F16', 'BF16'] as const)('%s', (dtype) => {
  test.each<[number, number]>([
    [5, 7],
    [1, 9],
    [9, 1],
  ])('%i rows of %i columns turn over', async (rows, columns) => {
    const info = transposedTensor(stored(dtype, [rows, columns]))
    expect(info).toMatchObject({ name: 'matrix', dtype, shape: [columns, rows] })
    expect(await readTensor(info)).toEqual(turned(dtype, [rows, columns]))
  })

  test('pieces of some rows are parts of the whole', async () => {
    const info = transposedTensor(stored(dtype, [5, 7]))
    const rowBytes = info.byteLength / 7
    const whole = turned(dtype, [5, 7])
    for await (const { byteOffset, bytes } of readTensorPieces(info, {
      rowBytes,
      maxPieceBytes: 3 * rowBytes,
    })) {
      expect(bytes).toEqual(whole.subarray(byteOffset, byteOffset + bytes.length))
    }
    expect(await info.file.read(3, 21)).toEqual(whole.subarray(3, 24))
  })
})

test('a large matrix passes by in pieces', async () => {
  const [rows, columns] = [3000, 1024]
  const lengths: number[] = []
  const file: ByteSource = {
    name: 'model.safetensors',
    size: rows * columns * 4 + 6,
    read: async (offset, length) => {
      lengths.push(length)
      const first = (offset - 6) / 4
      return new Uint8Array(Uint32Array.from({ length: length / 4 }, (_, i) => first + i).buffer)
    },
  }
  const info = transposedTensor(tensorIn(file, 'F32', [rows, columns], rows * columns * 4))
  const row = new Uint32Array((await info.file.read(17 * rows * 4, rows * 4)).buffer)
  expect(row).toEqual(Uint32Array.from({ length: rows }, (_, i) => i * columns + 17))
  expect(Math.max(...lengths)).toBeLessThanOrEqual(4 * 1024 * 1024)
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(rows * columns * 4)
})

test('the transpose of a transpose is the tensor itself', () => {
  const info = stored('F32', [5, 7])
  expect(transposedTensor(transposedTensor(info))).toBe(info)
})

test('reads outside are refused', async () => {
  const { file, byteLength } = transposedTensor(stored('F32', [5, 7]))
  await expect(file.read(byteLength - 1, 2)).rejects.toMatchObject({ code: 'invalid-file' })
})

test('what is no matrix of numbers stays as it is', () => {
  const { file } = stored('F32', [5, 7])
  const vector = { ...tensorIn(file, 'F32', [35, 1], 140), shape: [35] }
  expect(transposedTensor(vector)).toBe(vector)
  const bytes = tensorIn(file, 'U8', [14, 10], 140)
  expect(transposedTensor(bytes)).toBe(bytes)
})
