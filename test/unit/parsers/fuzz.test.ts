import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  collectOutput,
  createOutputParser,
  parseOutput,
  reasoningParserNames,
  toolParserNames,
  type OutputParserOptions,
} from '../../../src/parsers/index.ts'
import { findReasoningFormat } from '../../../src/parsers/registry.ts'

/** Pieces that outputs are made of, whole and broken. */
const fragment = fc.oneof(
  fc.constantFrom(
    '<think>',
    '</think>',
    '[THINK]',
    '[/THINK]',
    '<tool_call>',
    '</tool_call>',
    '<tool_calls>[',
    ']</tool_calls>',
    '<|action_start|><|plugin|>',
    '<|action_end|>',
    '<|python_tag|>',
    '[TOOL_CALLS]',
    '```json',
    '```',
    '<function=f>',
    '<parameter=a>',
    '</parameter>',
    '</function>',
    '<arg_key>a</arg_key>',
    '<arg_value>',
    '<invoke name="f">',
    '<parameter name="a">',
    '</invoke>',
    '<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>',
    '<|tool_call>call:f{a:<|"|>b<|"|>}',
    '[f(a="b")]',
    '{"name": "f", "arguments": {"a": "b"}}',
    '{"arguments": {"a": [1, {"c": "}"}]}, "name": "g"}',
    '{"name": "h"}',
    '{"name": "i", "arguments": "{\\"a\\": 1}"}',
    '"name": ',
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ',',
    ';',
    ':',
    '<',
    '\n',
    ' ',
    'text',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

const output = fc.array(fragment, { maxLength: 14 }).map((pieces) => pieces.join(''))

const options: fc.Arbitrary<OutputParserOptions> = fc.record({
  toolParser: fc.constantFrom(...toolParserNames, null),
  reasoningParser: fc.constantFrom(...reasoningParserNames, null),
  promptTail: fc.constantFrom('', '<think>\n', '<think>\n\n</think>\n\n'),
})

/** Letters and digits of a text, for counting what may not get lost. */
const lettersOf = (text: string) => (text.match(/[\p{L}\p{N}]/gu) ?? []).toSorted()

describe('any output', () => {
  test('parses the same however it is cut, and never throws', () => {
    fc.assert(
      fc.property(output, options, fc.infiniteStream(fc.nat(8)), (text, given, lengths) => {
        const parser = createOutputParser(given)
        const deltas = []
        for (let at = 0; at < text.length;) {
          const length = 1 + (lengths.next().value ?? 0)
          deltas.push(...parser.push(text.slice(at, at + length)))
          at += length
        }
        const pieces = collectOutput([...deltas, ...parser.finish('stop')], 'stop')
        const whole = parseOutput(text, given)
        const comparable = ({ toolCalls, ...rest }: typeof whole) => ({
          ...rest,
          toolCalls: toolCalls.map((call) => [call.name, call.arguments]),
        })
        expect(comparable(pieces)).toEqual(comparable(whole))
      }),
      { numRuns: 200 },
    )
  })

  test('is all content without parsers', () => {
    fc.assert(
      fc.property(output, (text) => {
        expect(parseOutput(text, {}).content).toBe(text)
      }),
      { numRuns: 50 },
    )
  })

  test('loses no text where no call is found', () => {
    fc.assert(
      fc.property(output, fc.constantFrom(...toolParserNames), (text, toolParser) => {
        const { content, toolCalls } = parseOutput(text, { toolParser })
        fc.pre(toolCalls.length === 0)
        expect(content).toBe(text)
      }),
      { numRuns: 200 },
    )
  })

  // Thinking that is told twice, or in messages, is the property tests' to look at.
  const plainNames = reasoningParserNames.filter((name) => {
    const format = findReasoningFormat(name)
    return format.kind === 'delimited-reasoning' && !format.promotion && !format.contentPrefix
  })

  test('loses no thinking or answer, markers and lone white space apart', () => {
    fc.assert(
      fc.property(output, fc.constantFrom(...plainNames), (text, reasoningParser) => {
        const { reasoning, content } = parseOutput(text, { reasoningParser })
        const markers = /<\/?think>|\[\/?THINK\]/g
        const found = (reasoning ?? '') + (content ?? '')
        // Repeated blocks come out thinking first: compare what there is, not where.
        expect(lettersOf(found.replace(markers, ''))).toEqual(lettersOf(text.replace(markers, '')))
      }),
      { numRuns: 200 },
    )
  })
})

describe('well-formed calls among noise', () => {
  // What JSON can carry: -0 is written as 0.
  const json = fc
    .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }))
    .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)))
  const call = fc.record({ name: fc.string({ minLength: 1 }), arguments: json })
  const indent = fc.constantFrom(undefined, 1)
  const noise = fc.constantFrom('', '\n', ' and then ', '<tool', '</tool_call>', '{"a": 1}', '"')

  test('arrive with their arguments as generated', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, call, indent), { maxLength: 4 }), noise, (rows, end) => {
        const written = rows.map(([before, value, space]) => ({
          text: `${before}<tool_call>${JSON.stringify(value, null, space)}</tool_call>`,
          ...value,
        }))
        const text = written.map((row) => row.text).join('') + end
        const { toolCalls } = parseOutput(text, { toolParser: 'hermes' })
        expect(toolCalls.map(({ name }) => name)).toEqual(rows.map(([, { name }]) => name))
        expect(toolCalls.map((found) => JSON.parse(found.arguments))).toEqual(
          rows.map(([, value]) => value.arguments),
        )
        const inText = toolCalls.every((found) => text.includes(found.arguments))
        expect(inText).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('keep valid arguments when one character of the output changes', () => {
    const closers = /<\/tool_call>/g
    fc.assert(
      fc.property(
        call,
        call,
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 1 }),
        (a, b, at, c) => {
          const good = `<tool_call>${JSON.stringify(b)}</tool_call>`
          const first = `<tool_call>${JSON.stringify(a)}</tool_call>`
          const place = at % first.length
          const text = first.slice(0, place) + c + first.slice(place + 1)
          const { toolCalls, content } = parseOutput(text + good, { toolParser: 'hermes' })
          const region = /^<tool_call>(.*)<\/tool_call>$/s.exec(text)?.[1] ?? ''
          const parsed = tryParse(region)
          if (isCall(parsed) && (text.match(closers)?.length ?? 0) === 1) {
            expect(tryParse(toolCalls[0]?.arguments ?? '')).toEqual(parsed.arguments)
            expect(tryParse(toolCalls[1]?.arguments ?? '')).toEqual(b.arguments)
          }
          expect(toolCalls.length > 0 || content !== null).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })
})

const tryParse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isCall = (value: unknown): value is { name: string; arguments: object } =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  value.name !== '' &&
  'arguments' in value &&
  typeof value.arguments === 'object' &&
  value.arguments !== null
