import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ByteSource } from '../../../../src/storage/byte-source.ts'
import { ggufArchitectureOf } from '../../../../src/weights/gguf/architectures.ts'
import type { GgufTensor } from '../../../../src/weights/gguf/gguf-file.ts'
import { readModelKeys } from '../../../../src/weights/gguf/model-keys.ts'
import { ggufTensorIndex } from '../../../../src/weights/gguf/tensor-index.ts'
import { ggufTypeOf } from '../../../../src/weights/gguf/tensor-types.ts'
import { dequantize } from '../../../../src/weights/quantization.ts'
import { readTensor, readTensorPieces, toFloat32 } from '../../../../src/weights/tensor-reader.ts'

const types = { F32: 0, F16: 1, Q8_0: 8, Q4_K: 12 }

type Reads = { readonly lengths: number[] }

/** A tensor alone in a file, behind 32 bytes of something else; the reads of it are counted. */
const stored = (
  name: string,
  typeName: keyof typeof types,
  shape: readonly number[],
): GgufTensor & Reads => {
  const type = ggufTypeOf(types[typeName], name, 'model.gguf')
  const elements = shape.reduce((product, size) => product * size, 1)
  const byteLength = (elements / type.blockElements) * type.blockBytes
  const bytes = Uint8Array.from({ length: 32 + byteLength }, (_, i) => (i * 37) % 61)
  const lengths: number[] = []
  const file: ByteSource = {
    name: 'model.gguf',
    size: bytes.length,
    read: async (offset, length) => {
      if (!(offset >= 32 && length >= 0 && offset + length <= bytes.length)) {
        throw new RangeError(`read of ${length} at ${offset}`)
      }
      lengths.push(length)
      return bytes.slice(offset, offset + length)
    },
  }
  return { name, type, shape, file, offset: 32, byteLength, lengths }
}

const indexOf = (architecture: string, tensor: GgufTensor) => {
  const keys = readModelKeys(new Map([['general.architecture', architecture]]), 'model.gguf')
  const heads = { numHeads: 4, numKvHeads: 2 }
  const index = ggufTensorIndex([tensor], ggufArchitectureOf(keys), heads)
  return index.get(index.names()[0]!)
}

type Row = readonly [architecture: string, name: string, type: keyof typeof types, number[]]
const rows: readonly Row[] = [
  ['llama', 'blk.0.attn_q.weight', 'Q8_0', [32, 64]],
  ['llama', 'blk.0.attn_k.weight', 'F16', [12, 6]],
  ['llama', 'blk.0.attn_q.bias', 'F32', [24]],
  ['llama', 'blk.0.attn_v.weight', 'Q4_K', [5, 512]],
  ['qwen2', 'blk.0.attn_q.weight', 'F16', [4, 6]],
  ['gemma2', 'blk.0.attn_norm.weight', 'F16', [40]],
  ['gpt2', 'blk.0.ffn_up.weight', 'Q8_0', [12, 32]],
]

test.each(rows)(
  'any part of %s %s (%s) is that part of the whole',
  async (architecture, ...given) => {
    const info = indexOf(architecture, stored(...given))
    const whole = await readTensor(info)
    expect(whole.byteLength).toBe(info.byteLength)
    await fc.assert(
      fc.asyncProperty(fc.nat(info.byteLength), fc.nat(info.byteLength), async (one, other) => {
        const [start, end] = one < other ? [one, other] : [other, one]
        const part = await info.file.read(info.offset + start, end - start)
        expect(Buffer.from(part).equals(whole.subarray(start, end))).toBe(true)
      }),
      { numRuns: 40 },
    )
  },
)

test('packed rows are those that read as numbers, a head of interleaved rows in its order', async () => {
  const infos = [
    indexOf('llama', stored('blk.0.attn_q.weight', 'Q8_0', [32, 64])),
    indexOf('qwen2', stored('blk.0.attn_q.weight', 'Q8_0', [32, 64])),
  ]
  for (const { packed, file } of infos) {
    expect(packed!.format).toBe('q8')
    for (const [first, count] of [
      [0, 32],
      [3, 11],
      [31, 1],
    ] as const) {
      const numbers = await file.read(first * 64 * 4, count * 64 * 4)
      const planes = await packed!.read(first, count)
      expect(dequantize('q8', planes, count, 64)).toEqual(toFloat32(numbers, 'F32'))
    }
  }
  const [halves, inPlace] = await Promise.all(infos.map(({ packed }) => packed!.read(0, 8)))
  expect(halves!.values).not.toEqual(inPlace!.values)
})

test('only whole matrices are packed', () => {
  const tensors = [
    stored('token_embd.weight', 'F16', [4, 32]),
    stored('blk.0.attn_output.bias', 'Q8_0', [64]),
    // Stored turned: the checkpoint's own rows are no blocks.
    stored('blk.0.ffn_up.weight', 'Q8_0', [12, 32]),
  ]
  for (const tensor of tensors) expect(indexOf('gpt2', tensor).packed).toBeUndefined()
})

test('pieces ask for what they need, and for every byte once', async () => {
  const tensor = stored('blk.0.ffn_up.weight', 'Q4_K', [100, 512])
  const info = indexOf('llama', tensor)
  expect(info).toMatchObject({ dtype: 'F32', shape: [100, 512], byteLength: 100 * 512 * 4 })
  const rowBytes = 512 * 4
  for await (const { bytes } of readTensorPieces(info, { rowBytes, maxPieceBytes: 7 * rowBytes })) {
    expect(bytes.byteLength).toBeLessThanOrEqual(7 * rowBytes)
  }
  expect(Math.max(...tensor.lengths)).toBe(7 * 2 * 144)
  expect(tensor.lengths.reduce((sum, length) => sum + length, 0)).toBe(tensor.byteLength)
})

test('interleaved rows are read a head at a time', async () => {
  const tensor = stored('blk.0.attn_k.weight', 'Q8_0', [32, 64])
  const info = indexOf('llama', tensor)
  const rowBytes = 64 * 4
  const pieces = readTensorPieces(info, { rowBytes, maxPieceBytes: 16 * rowBytes })
  for await (const { bytes } of pieces) expect(bytes.byteLength).toBe(16 * rowBytes)
  expect(tensor.lengths).toEqual([16 * 2 * 34, 16 * 2 * 34])
})

test('plain tensors in their places stay where they are', () => {
  const tensor = stored('blk.0.attn_q.weight', 'F16', [4, 6])
  const { dtype, file, offset, byteLength } = indexOf('qwen2', tensor)
  expect({ dtype, file, offset, byteLength }).toEqual({
    dtype: 'F16',
    file: tensor.file,
    offset: 32,
    byteLength: 48,
  })
  expect(indexOf('llama', stored('blk.0.attn_q.weight', 'F16', [8, 6])).dtype).toBe('F16')
})

test('reads outside a converted tensor are refused', async () => {
  const { file, byteLength } = indexOf('gpt2', stored('blk.0.ffn_up.weight', 'Q8_0', [12, 32]))
  for (const [offset, length] of [
    [0, byteLength + 1],
    [-1, 2],
    [byteLength, 1],
    [0.5, 1],
  ] as const) {
    await expect(file.read(offset, length)).rejects.toMatchObject({ code: 'invalid-file' })
  }
  expect(await file.read(byteLength, 0)).toEqual(new Uint8Array())
})

test.each<[string, GgufTensor]>([
  ['rows that heads do not share', stored('blk.0.attn_q.weight', 'F32', [6, 2])],
  ['heads of one row', stored('blk.0.attn_q.weight', 'F32', [4, 2])],
  ['a quantised bias', stored('blk.0.attn_q.bias', 'Q8_0', [64])],
])('refuses %s', (_, tensor) => {
  expect(() => indexOf('llama', tensor)).toThrow(
    expect.objectContaining({
      code: 'invalid-file',
      message: expect.stringMatching(/blk\.0\.attn_q\.\w+ in model\.gguf .*into 4 heads/),
    }),
  )
})
