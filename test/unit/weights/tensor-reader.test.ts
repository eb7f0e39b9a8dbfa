import { expect, test } from 'vitest'
import { blobByteSource } from '../../../src/storage/byte-source.ts'
import type { TensorInfo } from '../../../src/weights/safetensors.ts'
import { readTensor, readTensorPieces, toFloat32 } from '../../../src/weights/tensor-reader.ts'

const bytes = Uint8Array.from({ length: 200 }, (_, i) => i)

const tensorOf = (offset: number, byteLength: number): TensorInfo => ({
  name: 'w',
  dtype: 'U8',
  shape: [byteLength],
  file: blobByteSource('model.safetensors', new Blob([bytes])),
  offset,
  byteLength,
})

const collect = async (info: TensorInfo, options: Parameters<typeof readTensorPieces>[1]) => {
  const pieces: [number, number][] = []
  const all: number[] = []
  for await (const piece of readTensorPieces(info, options)) {
    pieces.push([piece.byteOffset, piece.bytes.length])
    all.push(...piece.bytes)
  }
  const { offset, byteLength } = info
  expect(new Uint8Array(all)).toEqual(bytes.slice(offset, offset + byteLength))
  return pieces
}

test.each<[number, number, [number, number][]]>([
  [40, 120, [[0, 120]]],
  [
    40,
    119,
    [
      [0, 80],
      [80, 40],
    ],
  ],
  [
    40,
    10,
    [
      [0, 40],
      [40, 40],
      [80, 40],
    ],
  ],
  [120, 50, [[0, 120]]],
])('rows of %i bytes in pieces of at most %i', async (rowBytes, maxPieceBytes, expected) => {
  expect(await collect(tensorOf(10, 120), { rowBytes, maxPieceBytes })).toEqual(expected)
})

test('a tensor without rows comes whole, an empty one not at all', async () => {
  expect(await collect(tensorOf(7, 90), { maxPieceBytes: 16 })).toEqual([[0, 90]])
  expect(await collect(tensorOf(7, 0), {})).toEqual([])
  expect(await readTensor(tensorOf(3, 4))).toEqual(bytes.slice(3, 7))
})

test('rows that do not divide the tensor are refused', async () => {
  for (const rowBytes of [0, 7, 121, NaN]) {
    await expect(collect(tensorOf(0, 120), { rowBytes })).rejects.toMatchObject({
      code: 'invalid-file',
    })
  }
})

test('conversion is exact, at any alignment', () => {
  const f32 = new Float32Array([0, -0, 1.5, -2.25e-38, 3.4e38, NaN, Infinity, 1e-45])
  expect(toFloat32(new Uint8Array(f32.buffer), 'F32')).toEqual(f32)
  const shifted = new Uint8Array(1 + f32.byteLength)
  shifted.set(new Uint8Array(f32.buffer), 1)
  expect(toFloat32(shifted.subarray(1), 'F32')).toEqual(f32)
  const bf16 = new Uint8Array(new Uint16Array([0x3f80, 0xc020, 0x0001, 0xff80]).buffer)
  expect([...toFloat32(bf16, 'BF16')]).toEqual([1, -2.5, 2 ** -133, -Infinity])
  const f16 = new Uint8Array(new Uint16Array([0x3c00, 0xc100, 0x0001, 0x7bff]).buffer)
  expect([...toFloat32(f16, 'F16')]).toEqual([1, -2.5, 2 ** -24, 65504])
})

test('a dtype that holds no numbers is refused', () => {
  expect(() => toFloat32(bytes, 'BOOL')).toThrowError(
    expect.objectContaining({ code: 'unsupported-format' }),
  )
})
