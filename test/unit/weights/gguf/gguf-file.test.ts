import { describe, expect, test } from 'vitest'
import { readGgufFile } from '../../../../src/weights/gguf/gguf-file.ts'
import {
  type BuildGguf,
  buildGguf,
  type BuiltTensor,
  ggufSource,
  type Typed,
} from './build-gguf.ts'

const matrix = (name: string, extra: Partial<BuiltTensor> = {}): BuiltTensor => ({
  name,
  type: 2,
  dimensions: [64n, 3n],
  bytes: Uint8Array.from({ length: 6 * 18 }, (_, i) => i),
  ...extra,
})

const vector = (name: string, extra: Partial<BuiltTensor> = {}): BuiltTensor => ({
  name,
  type: 0,
  dimensions: [5n],
  bytes: new Uint8Array(20),
  ...extra,
})

const everyValue: readonly (readonly [string, Typed])[] = [
  ['a.uint8', { uint8: 255 }],
  ['a.int8', { int8: -3 }],
  ['a.uint16', { uint16: 65535 }],
  ['a.int16', { int16: -300 }],
  ['a.uint32', { uint32: 4_294_967_295 }],
  ['a.int32', { int32: -70_000 }],
  ['a.float32', { float32: 0.5 }],
  ['a.bool', { bool: true }],
  ['a.string', { string: 'naïve 👍 \0' }],
  ['a.uint64', { uint64: 1n << 40n }],
  ['a.int64', { int64: -5n }],
  ['a.huge', { uint64: (1n << 63n) + 1n }],
  ['a.float64', { float64: Math.PI }],
  ['a.strings', { array: [{ string: 'one' }, { string: '' }] }],
  ['a.floats', { array: [{ float32: 1.5 }, { float32: -2 }] }],
  ['a.flags', { array: [{ bool: true }, { bool: false }] }],
  ['a.nested', { array: [{ array: [{ uint16: 7 }] }, { array: [{ string: 'x' }] }] }],
  ['a.empty', { array: [], of: 8 }],
]

const good: BuildGguf = { metadata: everyValue, tensors: [matrix('m'), vector('v')] }

const read = (options: BuildGguf) => readGgufFile(ggufSource(buildGguf(options)))

test('metadata of every type, and tensors with their places', async () => {
  const bytes = buildGguf(good)
  const { metadata, tensors } = await readGgufFile(ggufSource(bytes))
  expect(Object.fromEntries(metadata)).toEqual({
    'a.uint8': 255,
    'a.int8': -3,
    'a.uint16': 65535,
    'a.int16': -300,
    'a.uint32': 4_294_967_295,
    'a.int32': -70_000,
    'a.float32': 0.5,
    'a.bool': true,
    'a.string': 'naïve 👍 \0',
    'a.uint64': 2 ** 40,
    'a.int64': -5,
    'a.huge': (1n << 63n) + 1n,
    'a.float64': Math.PI,
    'a.strings': ['one', ''],
    'a.floats': Float32Array.of(1.5, -2),
    'a.flags': [true, false],
    'a.nested': [Uint16Array.of(7), ['x']],
    'a.empty': [],
  })
  expect(tensors).toMatchObject([
    { name: 'm', shape: [3, 64], byteLength: 108, type: { name: 'Q4_0' } },
    { name: 'v', shape: [5], byteLength: 20, type: { name: 'F32' } },
  ])
  const [m] = tensors
  expect([...(await m!.file.read(m!.offset, 4))]).toEqual([0, 1, 2, 3])
})

test('version 2 and another alignment', async () => {
  const { tensors } = await read({
    ...good,
    version: 2,
    alignment: 128,
    metadata: [['general.alignment', { uint32: 128 }]],
  })
  expect(tensors.map(({ offset }) => offset % 128)).toEqual([0, 0])
})

test('a vocabulary that is larger than the window', async () => {
  const tokens = Array.from({ length: 3000 }, (_, i) => `${i} `.repeat(100))
  const array = tokens.map((string) => ({ string }))
  const { metadata } = await read({ metadata: [['tokens', { array }]] })
  expect(metadata.get('tokens')).toEqual(tokens)
})

const nested = (depth: number): Typed =>
  depth === 0 ? { uint8: 1 } : { array: [nested(depth - 1)] }
const entry = (value: Typed): BuildGguf => ({ metadata: [['key', value]] })
const tensor = (extra: Partial<BuiltTensor>): BuildGguf => ({ tensors: [matrix('m', extra)] })

describe('refuses', () => {
  test.each<[string, BuildGguf, RegExp]>([
    ['a flag that is neither 0 nor 1', entry({ bool: 2 }), /"key" is a flag with the value 2/],
    ['an array of an unknown type', entry({ array: [], of: 13 }), /unknown value type 13/],
    ['endless nesting', entry(nested(9)), /nests arrays more than 4 deep/],
    ['more elements than bytes', entry({ array: [], count: 1n << 62n }), /claims 4611686/],
    ['the same name twice', { metadata: [...everyValue, ...everyValue] }, /"a\.uint8" twice/],
    ['more tensors than bytes', { counts: { tensors: 1n << 50n } }, /number of tensors claims/],
    ['more metadata than bytes', { counts: { metadata: 1n << 50n } }, /metadata entries claims/],
    ['metadata cut short', { counts: { metadata: 1n }, tensors: [] }, /claims 1/],
    ['five dimensions', tensor({ dimensions: [32n, 1n, 1n, 1n, 1n] }), /m has 5 dimensions/],
    ['a shape beyond numbers', tensor({ dimensions: [1n << 63n, 4n] }), /m has the shape/],
    [
      'rows of no whole blocks',
      tensor({ dimensions: [40n, 3n] }),
      /rows of 40 elements, which Q4_0/,
    ],
    ['an offset off the alignment', tensor({ offset: 8n }), /m starts at 8/],
    ['an offset past the file', tensor({ offset: 1n << 60n }), /m ends at byte .* cut short/],
    ['overlapping tensors', { tensors: [matrix('a'), matrix('b', { offset: 32n })] }, /overlap/],
    ['the same tensor twice', { tensors: [matrix('a'), matrix('a')] }, /tensor a twice/],
    [
      'an alignment that is no power of two',
      { metadata: [['general.alignment', { uint32: 24 }]] },
      /general\.alignment is 24/,
    ],
    ['an alignment that is text', { metadata: [['general.alignment', { string: 'x' }]] }, /is x/],
  ])('%s', async (_, options, message) => {
    await expect(read(options)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(message),
    })
  })

  test('a name that is not UTF-8', async () => {
    const bytes = buildGguf({ metadata: [['key', { uint8: 1 }]] })
    bytes[24 + 8] = 0xff
    await expect(readGgufFile(ggufSource(bytes))).rejects.toThrow(/entry 0 is not UTF-8/)
  })

  test.each([
    [1, /version 1/],
    [0, /version 0/],
    [4, /version 4/],
    [3 << 24, /big-endian/],
  ])('version %i', async (version, message) => {
    const expected = { code: 'unsupported-format', message: expect.stringMatching(message) }
    await expect(read({ version })).rejects.toMatchObject(expected)
  })

  test.each([
    [16, /m in model\.gguf is stored as type IQ2_XXS.*Q4_K/],
    [4, /type number 4/],
    [0xffff_ffff, /type number 4294967295/],
  ])('tensor type %i', async (type, message) => {
    const expected = { code: 'unsupported-format', message: expect.stringMatching(message) }
    await expect(read(tensor({ type }))).rejects.toMatchObject(expected)
  })

  test('what is no GGUF file, and every file cut short', async () => {
    const bytes = buildGguf(good)
    const page = new TextEncoder().encode('<!doctype html><title>Not found</title>')
    await expect(readGgufFile(ggufSource(page))).rejects.toThrow(/does not start with "GGUF"/)
    const end = bytes.length - 32
    for (let length = 0; length < end; length += 3) {
      const cut = readGgufFile(ggufSource(bytes.slice(0, length)))
      await expect(cut).rejects.toMatchObject({ code: 'invalid-file' })
    }
  })
})
