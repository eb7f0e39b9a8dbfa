import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseOutput, toolParserNames } from '../../src/parsers/index.ts'
import { callWriters, toolsOf } from '../unit/parsers/tool-writers.ts'

const identifier = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/)

const textFor = (forbidden: RegExp | null) =>
  fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(
        'a "quote"',
        "it's",
        'two\nlines',
        '{"a": [1}',
        'f(x=1)',
        'C:\\n',
        '</tool_call>',
        '```',
        '[TOOL_CALLS]',
      ),
    )
    // Line breaks at the ends of a value are layout to some formats.
    .filter((text) => text.trim() === text && !forbidden?.test(text))

const valueFor = (forbidden: RegExp | null): fc.Arbitrary<unknown> => {
  const text = textFor(forbidden)
  const scalar = fc.oneof(
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
    fc.boolean(),
  )
  return fc.oneof(
    scalar,
    fc.dictionary(identifier, scalar, { minKeys: 1, maxKeys: 3 }),
    fc.array(fc.integer(), { minLength: 1, maxLength: 3 }),
    fc.array(fc.dictionary(identifier, text, { minKeys: 1, maxKeys: 1 }), {
      minLength: 1,
      maxLength: 1,
    }),
  )
}

describe.each(toolParserNames.map((name) => [name] as const))('%s', (toolParser) => {
  test('reads back what its models write', () => {
    const writer = callWriters[toolParser]
    if (writer === undefined) throw new Error('no writer')
    const call = fc.record({
      name: identifier,
      arguments: fc
        .dictionary(identifier, valueFor(writer.forbidden), { maxKeys: 4 })
        // What JSON can carry: -0 is written as 0.
        .map((fields): Record<string, unknown> => JSON.parse(JSON.stringify(fields))),
    })
    const calls = fc.uniqueArray(call, { minLength: 1, maxLength: 3, selector: ({ name }) => name })
    fc.assert(
      fc.property(calls, (written) => {
        const text = writer.write(written)
        const parsed = parseOutput(text, { toolParser, tools: toolsOf(written) })
        expect(parsed.content).toBe(null)
        expect(
          parsed.toolCalls.map(({ name, arguments: json }) => ({
            name,
            arguments: JSON.parse(json),
          })),
        ).toEqual(written)
        if (writer.isVerbatim) {
          expect(parsed.toolCalls.map((found) => found.arguments)).toEqual(
            written.map((wanted) => JSON.stringify(wanted.arguments)),
          )
        }
      }),
      { numRuns: 200 },
    )
  })
})
