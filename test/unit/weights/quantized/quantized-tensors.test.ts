import { expect, test } from 'vitest'
import { blobByteSource, type ByteSource } from '../../../../src/storage/byte-source.ts'
import { withQuantizedWeights } from '../../../../src/weights/quantized/quantized-tensors.ts'
import type { Quantization } from '../../../../src/weights/quantized/scheme.ts'
import type { TensorDtype, TensorInfo } from '../../../../src/weights/safetensors.ts'
import { indexOf } from './tensor-fixture.ts'

type Numbers = Uint8Array | Int8Array | Uint16Array | Uint32Array | Float32Array

const tensor = (name: string, dtype: TensorDtype, shape: number[], data: Numbers): TensorInfo => {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer)
  const file = blobByteSource('model.safetensors', new Blob([bytes]))
  return { name, dtype, shape, file, offset: 0, byteLength: bytes.length }
}

const gptq: Quantization = {
  method: 'gptq',
  bits: 4,
  groupSize: 32,
  isSymmetric: true,
  zeroShift: 1,
  hasActOrder: false,
}
const compressed: Quantization = {
  method: 'compressed-tensors',
  bits: 4,
  isSymmetric: true,
  floatBlock: [128, 128],
}

/** Eight rows of 64 columns, two groups a row. */
const gptqTensors = (changes: Readonly<Record<string, TensorInfo>> = {}) => ({
  qweight: tensor('layer.qweight', 'I32', [8, 8], new Uint32Array(64)),
  scales: tensor('layer.scales', 'F16', [2, 8], new Uint16Array(16)),
  ...changes,
})

const order = (groups: readonly number[]) =>
  tensor('layer.g_idx', 'I32', [groups.length], Uint32Array.from(groups))

const weightOf = (tensors: object, quantization: Quantization | null) =>
  withQuantizedWeights(indexOf(Object.values(tensors)), quantization).get('layer.weight')

test('what a scheme left alone stays as it is', () => {
  const plain = tensor('plain.weight', 'F16', [2, 2], new Uint16Array(4))
  const bias = tensor('layer.bias', 'F16', [2], new Uint16Array(2))
  const stored = { ...gptqTensors(), plain, bias }
  const index = withQuantizedWeights(indexOf(Object.values(stored)), gptq)
  expect(index.get('plain.weight')).toBe(plain)
  expect(index.get('layer.bias')).toBe(bias)
  expect(index.has('layer.qweight.weight')).toBe(false)
  expect(() => index.get('missing.weight')).toThrow(/no tensor missing.weight/)
})

test('weights that were only cast to fp8 need no description', async () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i)
  const cast = { weight: tensor('layer.weight', 'F8_E4M3', [2, 32], bytes) }
  const { packed } = weightOf(cast, null)
  expect(packed?.format).toBe('f8')
  const planes = await packed!.read(1, 1)
  expect(new Uint8Array(planes.values.buffer)).toEqual(bytes.slice(32))
  expect(new Float32Array(planes.scales.buffer)).toEqual(new Float32Array([1]))
})

test.each<[string, object, Quantization, RegExp]>([
  [
    'scales of another size',
    gptqTensors({ scales: tensor('layer.scales', 'F16', [1, 8], new Uint16Array(8)) }),
    gptq,
    /layer.scales is F16 \[1, 8\], expected F16 \[2, 8\]/,
  ],
  [
    'codes that are no words',
    gptqTensors({ qweight: tensor('layer.qweight', 'F32', [8, 8], new Float32Array(64)) }),
    gptq,
    /layer.qweight is F32 \[8, 8\], expected a matrix of I32/,
  ],
  ['no scales', { qweight: gptqTensors().qweight }, gptq, /no tensor layer.scales/],
  ['no zero points', gptqTensors(), { ...gptq, isSymmetric: false }, /no tensor layer.qzeros/],
  ['an order of another length', gptqTensors({ order: order([0, 1]) }), gptq, /g_idx is I32 \[2\]/],
  [
    'zero points of another type',
    {
      codes: tensor('layer.weight', 'I8', [2, 32], new Int8Array(64)),
      scales: tensor('layer.weight_scale', 'F32', [2, 1], new Float32Array(2)),
      zeros: tensor('layer.weight_zero_point', 'F32', [2, 1], new Float32Array(2)),
    },
    { ...compressed, isSymmetric: false },
    /weight_zero_point is F32 \[2, 1\], expected I8/,
  ],
  [
    'fp8 scales of another size',
    {
      codes: tensor('layer.weight', 'F8_E4M3', [2, 32], new Uint8Array(64)),
      scales: tensor('layer.weight_scale', 'F32', [3, 1], new Float32Array(3)),
    },
    { method: 'fp8', floatBlock: [128, 128] },
    /weight_scale is F32 \[3, 1\], expected F32 \[1, 1\]/,
  ],
])('refuses %s', (_, tensors, quantization, message) => {
  expect(() => weightOf(tensors, quantization)).toThrowError(
    expect.objectContaining({ code: 'invalid-file', message: expect.stringMatching(message) }),
  )
})

test('refuses rows of bytes that fill no words', () => {
  const tensors = {
    codes: tensor('layer.weight', 'I8', [2, 30], new Int8Array(60)),
    scales: tensor('layer.weight_scale', 'F32', [2, 1], new Float32Array(2)),
  }
  expect(() => weightOf(tensors, compressed)).toThrowError(
    expect.objectContaining({ code: 'unsupported-format' }),
  )
})

test.each<[string, (input: number) => number, boolean, RegExp]>([
  [
    'config.json does not tell of',
    (input) => 1 - (input >> 5),
    false,
    /g_idx is not in order.*"desc_act"/,
  ],
  ['there is no group for', () => 2, true, /past the last, 1/],
])('refuses an order of inputs that %s', async (_, groupOf, hasActOrder, message) => {
  const given = Array.from({ length: 64 }, (_, input) => groupOf(input))
  const info = weightOf(gptqTensors({ order: order(given) }), { ...gptq, hasActOrder })
  const reading = info.packed?.read(0, 8) ?? info.file.read(0, info.byteLength)
  await expect(reading).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(message),
  })
})

test('refuses scales that f16 can not hold', async () => {
  const tensors = {
    codes: tensor('layer.weight_packed', 'I32', [1, 4], new Uint32Array(4)),
    scales: tensor('layer.weight_scale', 'BF16', [1, 1], Uint16Array.of(0x4f00)),
  }
  await expect(weightOf(tensors, compressed).packed!.read(0, 1)).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(/scales of layer.weight hold a number past 65504/),
  })
})

test('columns of a large matrix are read in pieces of at most 4 MiB', async () => {
  const [inputs, outputs] = [4096, 16_384]
  const reads: number[] = []
  const large = (name: string, dtype: TensorDtype, shape: readonly number[], bytes: number) => {
    const byteLength = shape.reduce((product, size) => product * size, bytes)
    const file: ByteSource = {
      name: 'model.safetensors',
      size: byteLength,
      read: async (_, length) => {
        reads.push(length)
        return new Uint8Array(length)
      },
    }
    return { name: `layer.${name}`, dtype, shape, file, offset: 0, byteLength }
  }
  const tensors = {
    qweight: large('qweight', 'I32', [inputs / 8, outputs], 4),
    scales: large('scales', 'F16', [inputs / 128, outputs], 2),
  }
  const { packed } = weightOf(tensors, { ...gptq, groupSize: 128 })
  const planes = await packed!.read(100, 1000)
  expect(planes.values).toHaveLength((inputs / 8) * 1000)
  expect(Math.max(...reads)).toBeLessThanOrEqual(4 * 2 ** 20)
  expect(reads).toHaveLength(8 + 1)
})
