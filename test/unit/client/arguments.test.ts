import { describe, expect, it } from 'vitest'
import { parseArguments } from '../../../src/client/arguments.ts'

const parse = (text: string) => parseArguments({ name: 'weather', arguments: text })

describe('parseArguments', () => {
  it('reads a JSON object, and nothing as none', () => {
    expect(parse('{"city": "Oslo"}')).toEqual({ city: 'Oslo' })
    expect(parse(' ')).toEqual({})
  })

  it.each(['{"city": "Os', '[1]', 'null', '"Oslo"', '3'])(
    'refuses %s and names the tool',
    (text) => {
      expect(() => parse(text)).toThrow(
        expect.objectContaining({
          code: 'invalid-request',
          message: expect.stringMatching(/"weather".*JSON object\.$/),
          details: { tool: 'weather' },
        }),
      )
    },
  )
})
