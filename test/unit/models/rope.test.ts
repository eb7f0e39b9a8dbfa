import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseModelConfig } from '../../../src/models/parse-config.ts'
import { inverseFrequencies, ropeTable } from '../../../src/models/rope.ts'

type Case = { config: unknown; inverseFrequencies: number[]; cos: number[][]; sin: number[][] }

/** From Hugging Face transformers, by test/reference/make_rope_fixtures.py. */
const { positions, cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/rope.json', import.meta.url), 'utf8'),
) as { positions: number[]; cases: Record<string, Case> }

test.each(Object.keys(cases))('%s turns as fast as in transformers', (name) => {
  const { config, inverseFrequencies: expected } = cases[name]!
  const { ropes, rotaryDim } = parseModelConfig(config)
  const found = inverseFrequencies(ropes[0]!, rotaryDim, 101)
  expect(found).toHaveLength(expected.length)
  expected.forEach((frequency, i) => {
    expect(Math.abs(found[i]! / frequency - 1)).toBeLessThan(1e-6)
  })
})

test.each(Object.keys(cases))('%s has the cosines and sines of transformers', (name) => {
  const { config, cos, sin } = cases[name]!
  const { ropes, rotaryDim } = parseModelConfig(config)
  const table = ropeTable(ropes[0]!, rotaryDim, 101)
  expect(table).toHaveLength(101 * rotaryDim)
  positions.forEach((position, at) => {
    for (let i = 0; i < rotaryDim / 2; i++) {
      // transformers forms the angle in f32: at position 100 that costs up to 100 * 2^-24 rad.
      const pair = position * rotaryDim + 2 * i
      expect(Math.abs(table[pair]! - cos[at]![i]!)).toBeLessThan(2e-5)
      expect(Math.abs(table[pair + 1]! - sin[at]![i]!)).toBeLessThan(2e-5)
    }
  })
})

test('longrope slows each pair by its own factor, by others where contexts may be long', () => {
  const scaling = {
    type: 'longrope',
    shortFactors: [1, 2],
    longFactors: [3, 8],
    attentionFactor: 1.5,
    originalMaxPositionEmbeddings: 100,
  } as const
  const rope = { theta: 100, scaling }
  expect([...inverseFrequencies(rope, 4, 100)]).toEqual([1, 0.1 / 2])
  expect([...inverseFrequencies(rope, 4, 101)]).toEqual([1 / 3, 0.1 / 8])
  expect(ropeTable(rope, 4, 1)).toEqual(Float32Array.of(1.5, 0, 1.5, 0))
  expect(() => inverseFrequencies(rope, 8, 100)).toThrow(/2 factors, expected 4/)
})
