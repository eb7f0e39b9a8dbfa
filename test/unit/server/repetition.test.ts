import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRepetitionDetector, type RepetitionRule } from '../../../src/server/repetition.ts'
import { createTestServer, eos, readFrames, refusal } from './fixtures.ts'

/** The position of the id that completes the first loop, by comparing whole patterns. */
const firstLoop = (tokenIds: readonly number[], rule: RepetitionRule): number => {
  for (let end = 1; end <= tokenIds.length; end += 1) {
    for (let size = rule.minPatternSize; size <= rule.maxPatternSize; size += 1) {
      const patterns = Array.from({ length: rule.minCount }, (_, back) => {
        const last = end - back * size
        return last < size ? `none ${back}` : tokenIds.slice(last - size, last).join()
      })
      if (new Set(patterns).size === 1) return end - 1
    }
  }
  return -1
}

const rules = fc
  .tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 2, max: 4 }),
  )
  .map(([min, more, count]) => ({
    minPatternSize: min,
    maxPatternSize: min + more,
    minCount: count,
  }))

describe('a repetition detector', () => {
  it('finds the first loop there is', () => {
    const texts = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 })
    fc.assert(
      fc.property(texts, rules, (tokenIds, rule) => {
        const completesLoop = createRepetitionDetector(rule)
        expect(tokenIds.findIndex((id) => completesLoop(id))).toBe(firstLoop(tokenIds, rule))
      }),
      { numRuns: 2000 },
    )
  })
})

const rule = { max_pattern_size: 3, min_count: 3 }
const looping = { pieces: ['a', 'b', 'x', 'b', 'x', 'b', 'x', 'b', eos] }

describe('repetition_detection', () => {
  it('ends an answer that runs into a loop, and frees its place', async () => {
    const { chat, engine } = createTestServer({ scripts: [{ ...looping, end: 'hang' }] })
    const { choices, usage } = await (await chat({ repetition_detection: rule })).json()
    expect(choices[0]).toMatchObject({
      message: { content: 'abxbxbx' },
      finish_reason: 'repetition',
      stop_reason: 'repetition_detected',
    })
    expect(usage.completion_tokens).toBe(7)
    expect([...engine.finished]).toEqual([0])
  })

  it('does so in streams of completions', async () => {
    const { complete } = createTestServer({ scripts: [looping] })
    const frames = await readFrames(await complete({ repetition_detection: rule, stream: true }))
    expect(frames.at(-2)).toContain(
      '"text":"x","logprobs":null,"finish_reason":"repetition","stop_reason":"repetition_detected"',
    )
  })

  it('shows text that waited for a stop string', async () => {
    const { chat } = createTestServer({ scripts: [looping] })
    const body = { repetition_detection: rule, stop: 'xy' }
    const { choices } = await (await chat(body)).json()
    expect(choices[0].message.content).toBe('abxbxbx')
  })

  it('waits for min_tokens, and leaves answers without a loop alone', async () => {
    const late = createTestServer({ scripts: [looping] })
    const lateBody = await (await late.chat({ repetition_detection: rule, min_tokens: 8 })).json()
    expect(lateBody.usage.completion_tokens).toBe(8)
    const { chat } = createTestServer({ scripts: [{ pieces: ['a', 'a', 'b', 'a', 'a', eos] }] })
    const { choices } = await (await chat({ repetition_detection: rule })).json()
    expect(choices[0].finish_reason).toBe('stop')
  })

  it('is off without a size', async () => {
    for (const off of [{}, { max_pattern_size: 0, min_count: 2 }, null]) {
      const { chat } = createTestServer({ scripts: [looping] })
      const { choices } = await (await chat({ repetition_detection: off })).json()
      expect(choices[0].finish_reason).toBe('stop')
    }
  })

  it('is refused where it makes no rule', async () => {
    const { chat, engine } = createTestServer()
    const sizes = 'max_pattern_size, min_pattern_size must be >=0'
    const cases = [
      [{ max_pattern_size: -1 }, sizes],
      [{ max_pattern_size: 2, min_pattern_size: 3, min_count: 2 }, sizes],
      [{ max_pattern_size: 2 }, 'min_count must be >= 2'],
    ] as const
    for (const [fields, message] of cases) {
      const error = await refusal(chat, { repetition_detection: fields })
      expect(error).toMatchObject({ type: 'BadRequestError', param: 'repetition_detection' })
      expect(error.message).toContain(message)
    }
    const typed = await refusal(chat, { repetition_detection: { min_count: 'x' } })
    expect(typed.param).toBe('body.repetition_detection.min_count')
    expect(engine.requests).toHaveLength(0)
  })
})
