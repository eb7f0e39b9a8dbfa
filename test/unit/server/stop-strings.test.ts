import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStopStrings } from '../../../src/server/stop-strings.ts'

const run = (pieces: readonly string[], stops: readonly string[], includeInOutput = false) => {
  const finder = createStopStrings(stops, { includeInOutput })
  let shown = ''
  for (const piece of pieces) {
    const { text, matched } = finder.push(piece, true)
    shown += text
    if (matched !== null) return { shown, matched }
  }
  return { shown: shown + finder.flush(), matched: null }
}

describe('stop strings', () => {
  it('finds the first one wherever the text is cut', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 })
    const stopLists = fc.array(fc.stringMatching(/^[abc]{1,3}$/), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(letters, stopLists, fc.boolean(), (characters, stops, include) => {
        const text = characters.join('')
        const ends = stops
          .filter((stop) => text.includes(stop))
          .map((stop) => ({ stop, end: text.indexOf(stop) + stop.length }))
        const firstEnd = Math.min(...ends.map(({ end }) => end))
        const { shown, matched } = run(characters, stops, include)
        if (ends.length === 0) {
          expect({ shown, matched }).toEqual({ shown: text, matched: null })
          return
        }
        expect(stops).toContain(matched)
        const start = firstEnd - (matched ?? '').length
        expect(text.slice(start, firstEnd)).toBe(matched)
        expect(shown).toBe(text.slice(0, include ? firstEnd : start))
      }),
      { numRuns: 500 },
    )
  })

  it('holds back no more than what may become a stop string', () => {
    const finder = createStopStrings(['</end>'], { includeInOutput: false })
    expect(finder.push('text <', true)).toEqual({ text: 'text ', matched: null })
    expect(finder.push('/e', true)).toEqual({ text: '', matched: null })
    expect(finder.push('m>', true)).toEqual({ text: '</em>', matched: null })
  })

  it('takes the earliest of several in one piece', () => {
    expect(run(['one two'], ['two', 'ne'])).toEqual({ shown: 'o', matched: 'ne' })
  })

  it('does not look at what is pushed unarmed', () => {
    const finder = createStopStrings(['ab'], { includeInOutput: false })
    expect(finder.push('ab', false).matched).toBeNull()
    expect(finder.push('c', true).matched).toBeNull()
    expect(finder.push('ab', true).matched).toBe('ab')
  })
})
