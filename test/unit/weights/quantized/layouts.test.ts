import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readQuantization } from '../../../../src/models/quantization-config.ts'
import { blobByteSource } from '../../../../src/storage/byte-source.ts'
import { float16Bits, float16Value } from '../../../../src/weights/float16.ts'
import { dequantize, planeSizes, type WeightPlanes } from '../../../../src/weights/quantization.ts'
import { withQuantizedWeights } from '../../../../src/weights/quantized/quantized-tensors.ts'
import type { TensorDtype, TensorIndex, TensorInfo } from '../../../../src/weights/safetensors.ts'
import { readTensor, toFloat32 } from '../../../../src/weights/tensor-reader.ts'
import { quantizedValues } from '../../../reference/quantized-formats.ts'
import { indexOf } from './tensor-fixture.ts'

type Encoded = { readonly dtype: TensorDtype; readonly shape: number[]; readonly data: string }
type Case = {
  readonly name: string
  readonly config: Record<string, unknown>
  readonly tensors: Readonly<Record<string, Encoded>>
  /** What test/reference/make_quantized_fixtures.py says that the tensors stand for. */
  readonly values: Encoded
}

const path = fileURLToPath(new URL('../../../fixtures/quantized-layouts.json', import.meta.url))
const cases = JSON.parse(readFileSync(path, 'utf8')) as Case[]

const decode = ({ data }: Encoded): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(data, 'base64'))

const tensorOf = (name: string, encoded: Encoded): TensorInfo => {
  const bytes = decode(encoded)
  // Tensors of a file need not begin on a word.
  const file = blobByteSource('model.safetensors', new Blob([new Uint8Array(3), bytes]))
  const { dtype, shape } = encoded
  return { name, dtype, shape, file, offset: 3, byteLength: bytes.length }
}

const open = ({ config, tensors }: Case): TensorIndex => {
  const stored = Object.entries(tensors).map(([part, tensor]) => tensorOf(`layer.${part}`, tensor))
  return withQuantizedWeights(indexOf(stored), readQuantization({ quantization_config: config }))
}

const numbersOf = (
  format: NonNullable<TensorInfo['packed']>['format'],
  planes: WeightPlanes,
  shape: readonly [number, number],
): Float32Array => {
  switch (format) {
    case 'q4':
    case 'q8':
      return dequantize(format, planes, ...shape)
    case 'q4z':
    case 'q8z':
    case 'f8':
      return quantizedValues(format, planes, shape)
    default:
      throw new Error(`${format} is none of these layouts'`)
  }
}

const formats: Readonly<Record<string, string>> = {
  gptq: 'q4z',
  gptq_v2: 'q4z',
  'gptq, 4 bits, groups of 32, symmetric': 'q4',
  'gptq, 4 bits, groups of -1, symmetric': 'q4',
  'gptq, 8 bits, groups of 32, symmetric': 'q8',
  'gptq, 8 bits, groups of 32, not symmetric': 'q8z',
  'gptq, a group cut off': 'q4',
  'gptq, small groups': 'F16',
  'gptq, act-order': 'F16',
  awq: 'q4z',
  'pack-quantized, 4 bits, group, symmetric': 'q4',
  'pack-quantized, 4 bits, group, not symmetric': 'q4z',
  'pack-quantized, 4 bits, channel, not symmetric': 'q4z',
  'pack-quantized, 8 bits, channel, symmetric': 'q8',
  'pack-quantized, 8 bits, group, not symmetric': 'q8z',
  'int-quantized': 'q8z',
  'int-quantized, not symmetric': 'q8z',
  'int-quantized, one scale': 'q8z',
  'float-quantized, tensor': 'f8',
  'float-quantized, channel': 'f8',
  'fp8, blocks': 'f8',
  'fp8, narrow blocks': 'F16',
}

test('every layout has its format', () => {
  const found = cases.map((given) => {
    const { packed, dtype } = open(given).get('layer.weight')
    return [given.name, packed?.format ?? dtype]
  })
  expect(Object.fromEntries(found)).toEqual(formats)
})

/** Rows that begin and end inside of a word of zero points. */
const spans = [
  [0, 24],
  [3, 10],
  [9, 1],
  [16, 8],
] as const

test.each(cases)('$name: rows as they go to the GPU have the values', async (given) => {
  const values = toFloat32(decode(given.values), 'F32')
  const columns = given.values.shape[1]!
  const { packed, shape } = open(given).get('layer.weight')
  expect(shape).toEqual(given.values.shape)
  if (!packed) return
  for (const [first, count] of spans) {
    const planes = await packed.read(first, count)
    const sizes = planeSizes(packed.format, count, columns)
    expect({ values: planes.values.length, scales: planes.scales.length }).toEqual(sizes)
    const numbers = numbersOf(packed.format, planes, [count, columns])
    const wanted = values.subarray(first * columns, (first + count) * columns)
    // q8z holds 16 bits of an f32 scale, and all of an f16 or bf16 one.
    const error =
      given.tensors['weight_scale']?.dtype === 'F32' && packed.format === 'q8z' ? 2 ** -16 : 0
    const isOff = (value: number, i: number) =>
      !(Math.abs(value - wanted[i]!) <= Math.abs(wanted[i]!) * error)
    expect(numbers.findIndex(isOff)).toBe(-1)
  }
})

test.each(cases)('$name: rows as numbers have the values', async (given) => {
  const values = toFloat32(decode(given.values), 'F32')
  const columns = given.values.shape[1]!
  const info = open(given).get('layer.weight')
  const wanted =
    info.dtype === 'F32' ? values : values.map((value) => float16Value(float16Bits(value)))
  const rowBytes = info.byteLength / 24
  expect(info.byteLength).toBe(values.length * (info.dtype === 'F32' ? 4 : 2))
  for (const [first, count] of spans) {
    const bytes = await info.file.read(info.offset + first * rowBytes, count * rowBytes)
    const numbers = toFloat32(bytes, info.dtype)
    expect(numbers).toHaveLength(count * columns)
    expect(numbers.findIndex((value, i) => value !== wanted[first * columns + i])).toBe(-1)
  }
  expect(await readTensor(info)).toHaveLength(info.byteLength)
})

test.each(cases)('$name: counts the bytes that its files hold', (given) => {
  const index = open(given)
  const stored = Object.entries(given.tensors)
    .filter(([part]) => part !== 'weight_shape')
    .reduce((sum, [, tensor]) => sum + decode(tensor).length, 0)
  expect(index.get('layer.weight').storedBytes).toBe(stored)
  expect(index.names()).toContain('layer.weight')
  expect(index.has('layer.weight')).toBe(true)
  expect(index.has('other.weight')).toBe(false)
})
