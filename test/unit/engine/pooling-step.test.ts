import { expect, it } from 'vitest'
import {
  poolingBlocks,
  poolingStep,
  poolingStepCapacity,
} from '../../../src/engine/pooling-step.ts'
import { stepInputHeader } from '../../../src/engine/step-input-layout.ts'

const at = (words: Uint32Array, header: keyof typeof stepInputHeader, length: number) => {
  const first = words[stepInputHeader[header]]!
  return [...words.subarray(first, first + length)]
}

it('lays whole texts one after the other, each in blocks of its own', () => {
  const long = Array.from({ length: 17 }, (_, i) => 100 + i)
  const { words, shape } = poolingStep([[7, 8], long, [9]])
  expect(words[stepInputHeader.numTokens]).toBe(20)
  expect(at(words, 'tokenIds', 20)).toEqual([7, 8, ...long, 9])
  expect(at(words, 'positions', 20)).toEqual([0, 1, ...long.keys(), 0])
  const slots = [0, 1, ...Array.from(long, (_, i) => 16 + i), 48]
  expect(at(words, 'slotMapping', 20)).toEqual(slots)
  expect(at(words, 'tokenSequence', 20)).toEqual([0, 0, ...long.map(() => 1), 2])
  expect(at(words, 'queryStart', 4)).toEqual([0, 2, 19, 20])
  expect(at(words, 'contextLength', 3)).toEqual([2, 17, 1])
  expect(words[stepInputHeader.blockTableStride]).toBe(2)
  expect(at(words, 'blockTables', 6)).toEqual([0, 0, 1, 2, 3, 0])
  expect(shape).toMatchObject({ numTokens: 20, numSamples: 3, prefillRowCounts: [2, 17, 1] })
})

it('has room for the largest steps', () => {
  const limits = { maxNumTokens: 40, maxNumSequences: 4, maxModelLen: 33 }
  const steps = [
    [33, 5, 1, 1],
    [33, 1, 1, 1],
    [17, 17, 6],
  ]
  for (const lengths of steps) {
    const { words } = poolingStep(lengths.map((length) => Array.from({ length }, () => 1)))
    expect(words.length).toBeLessThanOrEqual(poolingStepCapacity(limits))
    const slots = at(words, 'slotMapping', words[stepInputHeader.numTokens]!)
    expect(Math.max(...slots)).toBeLessThan(16 * poolingBlocks(limits))
  }
})
