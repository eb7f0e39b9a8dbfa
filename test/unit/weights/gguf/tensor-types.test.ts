import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ggufTypeOf, ggufTypes } from '../../../../src/weights/gguf/tensor-types.ts'

type Fixture = {
  readonly id: number
  readonly count: number
  readonly blocks: string
  readonly first: string
  readonly digests: readonly string[]
}

const fixtures = JSON.parse(
  readFileSync(new URL('../../../fixtures/gguf/quants.json', import.meta.url), 'utf8'),
) as Record<string, Fixture>

/** The payload of a NaN is no arithmetic: all count as one. */
const bitsOf = (values: Float32Array): Uint32Array => {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length).slice()
  for (const [i, value] of values.entries()) if (Number.isNaN(value)) bits[i] = 0x7fc00000
  return bits
}

test.each(ggufTypes.map((type) => [type.name, type] as const))(
  '%s equals the gguf package bit for bit',
  (name, type) => {
    const { id, count, blocks, first, digests } = fixtures[name]!
    const bytes = new Uint8Array(Buffer.from(blocks, 'base64'))
    expect(type.id).toBe(id)
    expect(bytes.length).toBe(count * type.blockBytes)
    const values = new Float32Array(count * type.blockElements)
    type.dequantize(bytes, values)
    const bits = bitsOf(values)
    const start = new Uint8Array(Buffer.from(first, 'base64'))
    const samples = new Uint32Array(start.buffer, 0, start.length / 4)
    expect([...bits.subarray(0, samples.length)]).toEqual([...samples])
    const found = Array.from({ length: count }, (_, block) => {
      const own = bits.slice(block * type.blockElements, (block + 1) * type.blockElements)
      const hash = createHash('sha256').update(new Uint8Array(own.buffer)).digest('hex')
      return hash.slice(0, 16)
    })
    expect(found).toEqual(digests)
  },
)

test('every fixture has its type, and a part of a larger buffer is read where it lies', () => {
  expect(Object.keys(fixtures).toSorted()).toEqual(ggufTypes.map(({ name }) => name).toSorted())
  for (const type of ggufTypes) {
    const whole = new Uint8Array(Buffer.from(fixtures[type.name]!.blocks, 'base64'))
    const expected = new Float32Array(2 * type.blockElements)
    type.dequantize(whole.slice(0, 2 * type.blockBytes), expected)
    const shifted = new Uint8Array(1 + 2 * type.blockBytes)
    shifted.set(whole.subarray(0, 2 * type.blockBytes), 1)
    const out = new Float32Array(1 + 2 * type.blockElements).subarray(1)
    type.dequantize(shifted.subarray(1), out)
    expect(bitsOf(out)).toEqual(bitsOf(expected))
  }
})

test('a type is found by its number', () => {
  for (const type of ggufTypes) expect(ggufTypeOf(type.id, 'a', 'b')).toBe(type)
  expect(() => ggufTypeOf(23, 'blk.0.ffn_up.weight', 'model.gguf')).toThrow(
    /blk\.0\.ffn_up\.weight in model\.gguf is stored as type IQ4_XS/,
  )
})
