import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { blobByteSource, type ModelSource } from '../../../src/storage/byte-source.ts'
import { openSafetensors, readSafetensorsHeader } from '../../../src/weights/safetensors.ts'

type Header = Record<string, unknown>

const encode = (header: Header | string, dataBytes: number): Uint8Array<ArrayBuffer> => {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  )
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const file = (bytes: Uint8Array<ArrayBuffer>, name = 'model.safetensors') =>
  blobByteSource(name, new Blob([bytes]))

const tensor = (dtype: string, shape: number[], data_offsets: number[]) => ({
  dtype,
  shape,
  data_offsets,
})

const good: Header = {
  __metadata__: { format: 'pt' },
  b: tensor('F32', [2, 3], [12, 36]),
  a: tensor('BF16', [6], [0, 12]),
  empty: tensor('F32', [0, 4], [36, 36]),
  scalar: tensor('F16', [], [36, 38]),
}

const read = (header: Header | string, dataBytes = 38) =>
  readSafetensorsHeader(file(encode(header, dataBytes)))

test('tensors come in file order with their places', async () => {
  const tensors = await read(good)
  const start = encode(good, 0).length
  expect(tensors.map(({ name, offset }) => [name, offset - start])).toEqual([
    ['a', 0],
    ['b', 12],
    ['empty', 36],
    ['scalar', 36],
  ])
  expect(tensors[1]).toMatchObject({ dtype: 'F32', shape: [2, 3], byteLength: 24 })
})

test.each<[string, Header | string, RegExp]>([
  ['an unknown dtype', { a: tensor('F33', [1], [0, 4]) }, /a has the unknown dtype "F33"/],
  ['a prototype name as dtype', { a: tensor('toString', [1], [0, 4]) }, /unknown dtype/],
  ['a shape that is no size', { a: tensor('F32', [-1], [0, 4]) }, /shape \[-1\]/],
  ['offsets out of order', { a: tensor('F32', [1], [4, 0]) }, /offsets \[4,0\]/],
  ['three offsets', { a: tensor('F32', [1], [0, 4, 8]) }, /offsets/],
  ['an end past the file', { a: tensor('F32', [10], [0, 40]) }, /cut short/],
  ['a range of another size', { a: tensor('F32', [2], [0, 4]) }, /8 bytes, but its range holds 4/],
  [
    'overlapping tensors',
    { a: tensor('F32', [2], [0, 8]), b: tensor('F32', [1], [4, 8]) },
    /a and b overlap/,
  ],
  ['a tensor without description', { a: 3 }, /a has no description/],
  ['an array', '[]', /not a JSON object/],
  ['broken JSON', '{"a":', /not JSON/],
  ['invalid UTF-8', '{"\\ud800": 1}', /no description/],
])('refuses %s', async (_, header, message) => {
  await expect(read(header)).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(message),
  })
  await expect(read(header)).rejects.toThrow(/model\.safetensors.*Delete the stored model/)
})

test('refuses files cut short anywhere, and a header length without bounds', async () => {
  const bytes = encode(good, 38)
  for (const length of [0, 7, 8, 9, 100, bytes.length - 1]) {
    const cut = readSafetensorsHeader(file(bytes.slice(0, length)))
    await expect(cut).rejects.toMatchObject({ code: 'invalid-file' })
  }
  const endless = bytes.slice()
  endless.fill(0xff, 0, 8)
  await expect(readSafetensorsHeader(file(endless))).rejects.toThrow(/header claims/)
})

const modelOf = (files: Record<string, Uint8Array<ArrayBuffer> | object>): ModelSource => {
  const bytesOf = (name: string) => {
    const content = files[name]
    return content instanceof Uint8Array ? content : new Uint8Array()
  }
  return {
    ggufFile: null,
    id: 'test',
    has: async (name) => name in files,
    readJson: async (name) => files[name],
    readText: async () => null,
    open: async (name) => file(bytesOf(name), name),
    close: async () => undefined,
  }
}

const indexName = 'model.safetensors.index.json'
const one = { one: tensor('F32', [1], [0, 4]) }
const two = { two: tensor('F32', [2], [0, 8]) }

test('shards are put together', async () => {
  const index = await openSafetensors(
    modelOf({
      [indexName]: { weight_map: { one: 'm-1.safetensors', two: 'm-2.safetensors' } },
      'm-1.safetensors': encode(one, 4),
      'm-2.safetensors': encode(two, 8),
    }),
  )
  expect(index.names()).toEqual(['one', 'two'])
  expect(index.get('two').file.name).toBe('m-2.safetensors')
  expect(index.totalBytes).toBe(12)
})

test.each<[string, object, RegExp]>([
  ['has no map', {}, /no "weight_map"/],
  ['names no file', { weight_map: { one: '../x' } }, /no file name for the tensor one/],
  [
    'places a tensor where it is not',
    { weight_map: { one: 'm-1.safetensors', gone: 'm-1.safetensors' } },
    /places the tensor gone/,
  ],
  [
    'places a tensor in the wrong shard',
    { weight_map: { one: 'm-2.safetensors', two: 'm-1.safetensors' } },
    /places the tensor one in it/,
  ],
  [
    'has shards that repeat a tensor',
    { weight_map: { one: 'm-1.safetensors', two: 'm-3.safetensors' } },
    /repeats the tensor one/,
  ],
])('refuses an index that %s', async (_, index, message) => {
  const model = modelOf({
    [indexName]: index,
    'm-1.safetensors': encode(one, 4),
    'm-2.safetensors': encode(two, 8),
    'm-3.safetensors': encode(one, 4),
  })
  await expect(openSafetensors(model)).rejects.toThrow(message)
})

test('a missing tensor is named with its nearest relatives', async () => {
  const index = await openSafetensors(
    modelOf({
      'model.safetensors': encode(
        {
          'model.layers.0.mlp.up_proj.weight': tensor('U8', [1], [0, 1]),
          'model.norm.weight': tensor('U8', [1], [1, 2]),
          'lm_head.weight': tensor('U8', [1], [2, 3]),
        },
        3,
      ),
    }),
  )
  expect(index.has('model.layers.0.mlp.gate_proj.weight')).toBe(false)
  expect(() => index.get('model.layers.0.mlp.gate_proj.weight')).toThrowError(
    expect.objectContaining({
      code: 'invalid-file',
      message: expect.stringMatching(/no tensor model\.layers\.0\.mlp\.gate_proj\.weight.*up_proj/),
    }),
  )
})

test('the starter model is read', async () => {
  const path = fileURLToPath(new URL('../../../demo/public/starter-model', import.meta.url))
  const source = createFolderSource(path)
  const index = await openSafetensors(source)
  const embedding = index.get('model.embed_tokens.weight')
  const weights = await source.open('model.safetensors')
  expect(embedding.shape).toHaveLength(2)
  expect(index.totalBytes).toBeLessThan(weights.size)
  expect(index.totalBytes).toBeGreaterThan(weights.size * 0.99)
  await source.close()
})
