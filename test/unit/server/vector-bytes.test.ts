import { describe, expect, it } from 'vitest'
import { embedDtypes, encodeVector } from '../../../src/server/vector-bytes.ts'
import fixture from '../../fixtures/vector-dtypes.json' with { type: 'json' }

const vector = new Float32Array(Uint32Array.from(fixture.f32).buffer)

describe('the bytes of a vector', () => {
  it.each(['float16', 'bfloat16', 'fp8_e4m3', 'fp8_e5m2'] as const)(
    'are those of torch: %s',
    (dtype) => {
      const bytes = encodeVector(vector, { dtype, endianness: 'native' })
      const numBytes = bytes.length / vector.length
      const bits = fixture.f32.map((_, index) =>
        numBytes === 2 ? (bytes[2 * index] ?? 0) + 256 * (bytes[2 * index + 1] ?? 0) : bytes[index],
      )
      expect(bits).toEqual(fixture.bits[dtype])
    },
  )

  it('are the numbers themselves as float32', () => {
    const bytes = encodeVector(vector, { dtype: 'float32', endianness: 'little' })
    expect(new Uint32Array(bytes.buffer)).toEqual(Uint32Array.from(fixture.f32))
  })

  it.each(embedDtypes)('are in the other order where that is asked for: %s', (dtype) => {
    const little = encodeVector(vector, { dtype, endianness: 'little' })
    const big = encodeVector(vector, { dtype, endianness: 'big' })
    const numBytes = little.length / vector.length
    for (const at of vector.keys()) {
      const own = (bytes: Uint8Array) => [...bytes.subarray(at * numBytes, (at + 1) * numBytes)]
      expect(own(big)).toEqual(own(little).toReversed())
    }
  })
})
