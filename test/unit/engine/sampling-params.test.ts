import { describe, expect, it } from 'vitest'
import { resolveSamplingParams } from '../../../src/engine/sampling-params.ts'

describe('a temperature', () => {
  const knobs = { topK: 5, topP: 0.5, minP: 0.1 }

  it('of 0 is greedy, whatever the other knobs', () => {
    const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0 }
    expect(resolveSamplingParams({ ...knobs, temperature: 0 })).toMatchObject(greedy)
    expect(resolveSamplingParams({ ...knobs, temperature: -0 })).toMatchObject(greedy)
  })

  it.each([1e-9, 1e-6, 0.009, 0.01])('of %d is drawn from at 0.01', (temperature) => {
    const resolved = resolveSamplingParams({ ...knobs, temperature })
    expect(resolved).toMatchObject({ ...knobs, temperature: 0.01 })
  })
})
