import { expect, test } from 'vitest'
import { packBlocks } from '../../../../src/weights/gguf/pack-blocks.ts'
import { ggufTypes } from '../../../../src/weights/gguf/tensor-types.ts'
import { dequantize } from '../../../../src/weights/quantization.ts'

const typeOf = (name: string) => ggufTypes.find((type) => type.name === name)!

/** Rows of blocks whose bytes all differ from their neighbours. */
const pack = (name: string, rows: number, columns: number, shift = 0) => {
  const type = typeOf(name)
  const length = ((rows * columns) / type.blockElements) * type.blockBytes
  const bytes = Uint8Array.from({ length: length + shift }, (_, i) =>
    Math.floor((i - shift) * 7.03),
  )
  const blocks = bytes.subarray(shift)
  const planes = packBlocks(type.packing!, type.blockBytes, blocks, [rows, columns])
  return {
    type,
    blocks,
    planes,
    values: new Uint8Array(planes.values.buffer),
    scales: new Uint8Array(planes.scales.buffer),
  }
}

/** How often each byte occurs. */
const countsOf = (bytes: Iterable<number>): number[] => {
  const counts = Array<number>(256).fill(0)
  for (const byte of bytes) counts[byte]!++
  return counts
}

const quantised = ggufTypes.filter(({ packing }) => packing !== null)

test.each(quantised.map(({ name }) => name))('%s takes no more bytes than in its file', (name) => {
  const { blocks, values, scales } = pack(name, 3, 512)
  expect(values.length + scales.length).toBe(blocks.length)
  expect(countsOf([...values, ...scales])).toEqual(countsOf(blocks))
})

test.each(['Q2_K', 'Q4_K', 'Q5_K', 'Q4_1', 'Q5_1'])('%s stays as it is', (name) => {
  const { blocks, values } = pack(name, 2, 256)
  expect(values).toEqual(new Uint8Array(blocks))
})

test.each([
  ['Q3_K', 108],
  ['Q6_K', 208],
] as const)('%s: the scale of a block stands apart, a row of them in whole words', (name, at) => {
  // Three blocks a row: the second half of the second word of each row is filled up.
  const { blocks, values, scales } = pack(name, 2, 768)
  for (let block = 0; block < 6; block++) {
    const from = block * (at + 2)
    expect(values.slice(block * at, (block + 1) * at)).toEqual(blocks.slice(from, from + at))
    const scaleAt = Math.floor(block / 3) * 8 + (block % 3) * 2
    expect(scales.slice(scaleAt, scaleAt + 2)).toEqual(blocks.slice(from + at, from + at + 2))
  }
  expect([...scales.slice(6, 8), ...scales.slice(14)]).toEqual([0, 0, 0, 0])
})

test.each(['Q4_0', 'Q8_0'] as const)(
  '%s is what the loader makes of numbers, bit by bit',
  (name) => {
    const { type, blocks, planes } = pack(name, 3, 96)
    const expected = new Float32Array(3 * 96)
    type.dequantize(blocks, expected)
    const format = name === 'Q4_0' ? 'q4' : 'q8'
    expect(dequantize(format, planes, 3, 96)).toEqual(expected)
  },
)

test('bytes may begin anywhere in their buffer', () => {
  for (const name of ['Q4_0', 'Q6_K', 'Q4_K']) {
    expect(pack(name, 2, 256, 3).planes).toEqual(pack(name, 2, 256).planes)
  }
})
