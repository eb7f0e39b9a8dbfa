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
  const found = inverseFrequencies(ropes[0]!, rotaryDim)
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
