import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePartialJson } from '../../../src/client/partial-json.ts'

describe('parsePartialJson', () => {
  it.each([
    ['', undefined],
    ['{', {}],
    ['{"ci', {}],
    ['{"city"', {}],
    ['{"city":', {}],
    ['{"city": "', { city: '' }],
    ['{"city": "Os', { city: 'Os' }],
    ['{"city": "Oslo", "da', { city: 'Oslo' }],
    ['{"city": "Oslo", "days": 1', { city: 'Oslo', days: 1 }],
    ['{"days": -', {}],
    ['{"days": 12.', { days: 12 }],
    ['{"days": 12e', { days: 12 }],
    ['{"days": 12e+', { days: 12 }],
    ['{"on": tr', {}],
    ['{"on": true', { on: true }],
    ['{"on": null, ', { on: null }],
    ['[1, [2, {"a": [', [1, [2, { a: [] }]]],
    ['[1, ', [1]],
    ['"a', 'a'],
    ['"a\\', 'a'],
    ['"a\\\\', 'a\\'],
    ['"a\\u00e', 'a'],
    ['"a\\u00e9', 'aé'],
    ['"\\ud83e', ''],
    ['"\\ud83e\\udeb', ''],
    ['"\\ud83e\\udeb6', '🪶'],
    ['"\\\\ud83e', '\\ud83e'],
    ['"a"', 'a'],
    ['{"a": "}]{[,:"', { a: '}]{[,:' }],
    ['no JSON', undefined],
    ['}', undefined],
    ['{"a": nothing, "b', undefined],
  ])('%s', (text, value) => {
    expect(parsePartialJson(text)).toEqual(value)
  })

  it('reads every start of every JSON, and all of it as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parsePartialJson(text)).toEqual(JSON.parse(text))
        if (!/^\s*[{[]/.test(text)) return
        const starts = Array.from(text, (_, end) => text.slice(0, end))
        const begun = starts.filter((start) => /[{[]/.test(start))
        expect(begun.filter((start) => parsePartialJson(start) === undefined)).toEqual([])
      }),
    )
  })

  it('shows a string of an object grow, and never anything that the whole does not have', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const text = JSON.stringify({ value })
        let shown = ''
        for (let end = 1; end <= text.length; end++) {
          const partial = parsePartialJson(text.slice(0, end)) as { value?: string }
          const now = partial.value ?? ''
          if (!now.startsWith(shown) || !value.startsWith(now)) expect(now).toBe(value)
          shown = now
        }
        expect(shown).toBe(value)
      }),
    )
  })

  it('takes long and deep texts', () => {
    const long = `{"a": "${'x\\n'.repeat(500_000)}`
    expect(parsePartialJson(long)).toEqual({ a: 'x\n'.repeat(500_000) })
    expect(parsePartialJson('['.repeat(10_000))).toBeDefined()
  })
})
