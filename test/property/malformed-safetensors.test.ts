import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileNotFound, type ModelSource, parseJsonFile } from '../../src/storage/byte-source.ts'
import { openSafetensors } from '../../src/weights/safetensors.ts'
import { readTensor, toFloat32 } from '../../src/weights/tensor-reader.ts'
import { byteDamage, damageBytes, damagedJson, strictFile, tryMalformed } from './malformed.ts'

const indexName = 'model.safetensors.index.json'

const withHeader = (json: Uint8Array, dataBytes: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const tensor = (dtype: string, shape: number[], data_offsets: number[]) => ({
  dtype,
  shape,
  data_offsets,
})

const header = JSON.stringify({
  __metadata__: { format: 'pt' },
  b: tensor('F32', [2, 3], [12, 36]),
  a: tensor('BF16', [6], [0, 12]),
  empty: tensor('F32', [0, 4], [36, 36]),
  scalar: tensor('F16', [], [36, 38]),
})
const dataBytes = 38
const sound = withHeader(new TextEncoder().encode(header), dataBytes)
const shardHeader = JSON.stringify({ c: tensor('F32', [1], [0, 4]) })
const shard = withHeader(new TextEncoder().encode(shardHeader), 4)
const index = JSON.stringify({
  metadata: { total_size: 42 },
  weight_map: {
    a: 'm-1.safetensors',
    b: 'm-1.safetensors',
    c: 'm-2.safetensors',
    empty: 'm-1.safetensors',
    scalar: 'm-1.safetensors',
  },
})

const sourceOf = (files: Readonly<Record<string, Uint8Array>>): ModelSource => ({
  id: 'test',
  ggufFile: null,
  has: async (name) => Object.hasOwn(files, name),
  readJson: async (name) => parseJsonFile(name, 'test', new TextDecoder().decode(files[name])),
  readText: async () => null,
  open: async (name) => {
    const bytes = Object.hasOwn(files, name) ? files[name] : undefined
    if (!bytes) throw fileNotFound(name, 'test', '')
    return strictFile(name, bytes)
  },
  close: async () => undefined,
})

/** Every tensor is read within its file, no two share a byte, and none is larger than its file. */
const readAll = async (source: ModelSource): Promise<void> => {
  const tensors = await openSafetensors(source)
  const ends = new Map<string, number>()
  for (const name of tensors.names()) {
    const info = tensors.get(name)
    const bytes = await readTensor(info)
    const elements = info.shape.reduce((product, size) => product * size, 1)
    if (bytes.length !== info.byteLength) throw new Error(`${name} is short`)
    if (info.offset < (ends.get(info.file.name) ?? 8)) throw new Error(`${name} overlaps`)
    ends.set(info.file.name, info.offset + info.byteLength)
    if (['F32', 'F16', 'BF16'].includes(info.dtype)) {
      const values = toFloat32(bytes, info.dtype)
      if (values.length !== elements) throw new Error(`${name} has ${values.length} values`)
    }
  }
}

const words = ['"F32"', '"F8_E4M3"', '"I64"', '"U8"', '"f32"', '[0,4]', '[12,36]', '[36,12]']
const shapes = ['[2,3]', '[0]', '[9007199254740991,9007199254740991]', '[4294967296,4294967296]']
const damagedHeader = damagedJson([header], [...words, ...shapes, '[0,9007199254740991]'])
const damagedIndex = damagedJson(
  [index],
  ['"m-1.safetensors"', '"m-2.safetensors"', '"m-3.safetensors"', '".."', '"a/b"'],
)

/** A single file, then the index of two, by the first byte. */
const inputs = fc.oneof(
  { weight: 4, arbitrary: damagedHeader.map((json) => withHeader(json, dataBytes)) },
  {
    weight: 3,
    arbitrary: byteDamage([sound, shard]).map((damage) => damageBytes(sound, damage)),
  },
  { weight: 2, arbitrary: damagedIndex },
)

test('a damaged safetensors file or index can be read, or is refused with a code', async () => {
  const outcomes = await tryMalformed(0.3, inputs, (bytes) =>
    readAll(
      sourceOf(
        bytes[0] === 0x7b
          ? { [indexName]: bytes, 'm-1.safetensors': sound, 'm-2.safetensors': shard }
          : { 'model.safetensors': bytes },
      ),
    ),
  )
  expect(Object.keys(outcomes).toSorted()).toEqual(['file-not-found', 'invalid-file', 'loaded'])
  // Or the damage would never have reached what is read, or would always have been too much.
  expect(outcomes['loaded']).toBeGreaterThan(0.05)
  expect(outcomes['invalid-file']).toBeGreaterThan(0.25)
})
