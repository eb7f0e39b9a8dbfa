import { describe, expect, test } from 'vitest'
import {
  parseOutput,
  toolParserNames,
  type OutputFinishReason,
  type OutputParserOptions,
  type ParsedOutput,
} from '../../src/parsers/index.ts'
import { findToolFormat, textsOf } from '../../src/parsers/registry.ts'
import type { ToolFormat } from '../../src/parsers/tool-formats.ts'
import { callWriters, toolsOf, type WrittenCall } from '../unit/parsers/tool-writers.ts'
import {
  comparable,
  createRandom,
  mutate,
  parseInPieces,
  pick,
  seed,
  type Random,
} from './random-outputs.ts'

/*
 * 100,000 random and mutated outputs, so many that a generator of our own makes them: nothing
 * throws, the cuts do not matter, arguments are JSON, and no text is lost.
 */
const numOutputs = 100_000
const anyTexts: Texts = [
  '',
  'Paris',
  'a "b" c',
  "it's",
  'x\ny',
  '\\',
  '}]',
  '</tool_call>',
  'é👍',
  ' a ',
]

type Texts = readonly [string, ...string[]]

const randomValue = (random: Random, depth: number, texts: Texts): unknown => {
  switch (random(depth > 0 ? 7 : 5)) {
    case 0:
      return random(1000) - 500
    case 1:
      return random(1000) / 8
    case 2:
      return random(2) === 0
    case 3:
      return null
    case 4:
      return pick(random, texts, '')
    case 5:
      return Array.from({ length: random(3) }, () => randomValue(random, depth - 1, texts))
    default:
      return randomFields(random, depth - 1, texts)
  }
}
const randomFields = (random: Random, depth: number, texts: Texts): Record<string, unknown> =>
  Object.fromEntries(
    Array.from({ length: random(4) }, () => [
      pick(random, ['a', 'b', 'city', 'n', 'arguments'], 'a'),
      randomValue(random, depth, texts),
    ]),
  )
const randomCalls = (random: Random, texts: Texts = anyTexts): readonly WrittenCall[] =>
  Array.from({ length: 1 + random(3) }, () => ({
    name: pick(random, ['f', 'get_weather', 'a.b', 'x'], 'f'),
    arguments: randomFields(random, 2, texts),
  }))

const glue = ['{', '}', '[', ']', '(', ')', '"', "'", '\\', ',', ':', '=', '<', '>', '\n', ' ', '0']
const words = [
  ...glue,
  'text',
  'name',
  '{"name": "f", "arguments": {}}',
  'f(a=1)',
  'é',
  '\u0000',
  '👍',
]

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The markers that are dropped from the content; null for messages, whose headers are too. */
const droppedBy = (format: ToolFormat): readonly string[] | null => {
  if (format.kind === 'channelled-calls') return null
  return format.kind === 'either-calls' ? format.tagged.layout : format.layout
}

/** Letters and digits, for counting what may not get lost; dropped markers apart. */
const lettersOf = (text: string, dropped: readonly string[]): string => {
  const rest = dropped.reduce((kept, marker) => kept.replaceAll(marker, ''), text)
  // A marker may come about where another is dropped.
  return rest === text ? rest.replaceAll(/[^\p{L}\p{N}]/gu, '') : lettersOf(rest, dropped)
}

/** Whether one output is how another begins. Without calls, markers may still be text. */
const startsAs = (cut: ParsedOutput, whole: ParsedOutput): boolean =>
  cut.toolCalls.every((call, at) => {
    const { name, arguments: json = '' } = whole.toolCalls[at] ?? {}
    const isLast = at === cut.toolCalls.length - 1
    return (
      call.name === name && (isLast ? json.startsWith(call.arguments) : json === call.arguments)
    )
  }) &&
  (cut.toolCalls.length === 0 || (whole.content ?? '').startsWith(cut.content ?? ''))

const check = (
  random: Random,
  text: string,
  options: OutputParserOptions,
  dropped: readonly string[] | null,
): string | null => {
  const reason: OutputFinishReason = random(3) === 0 ? 'length' : 'stop'
  const whole = parseOutput(text, { ...options, finishReason: reason })
  const pieces = parseInPieces(random, text, options)(reason)
  if (comparable(whole) !== comparable(pieces)) return `cuts matter: ${comparable(pieces)}`
  const complete = reason === 'stop' ? whole.toolCalls : whole.toolCalls.slice(0, -1)
  const broken = complete.find((call) => !isJson(call.arguments))
  if (broken) return `no JSON: ${broken.arguments}`
  if (whole.toolCalls.length > 0 || dropped === null) return null
  const [kept, given] = [whole.content ?? '', text].map((part) => lettersOf(part, dropped))
  return kept === given ? null : `text lost: ${whole.content}`
}

describe('any output', () => {
  test.each(toolParserNames)('of %s', (toolParser) => {
    const random = createRandom(seed + toolParserNames.indexOf(toolParser) * 7919)
    const format = findToolFormat(toolParser)
    const markers = textsOf(format)
      .filter((literal) => /[^\w-]/.test(literal) && literal.length > 2)
      .toSorted((a, b) => b.length - a.length)
    const dropped = droppedBy(format)
    const pieces = [...words, ...markers]
    const numRuns = Math.ceil(numOutputs / toolParserNames.length)
    const failures: string[] = []
    for (let run = 0; run < numRuns && failures.length < 3; run++) {
      const calls = randomCalls(random)
      const good = callWriters[toolParser]?.write(calls) ?? ''
      const noise = Array.from({ length: random(8) }, () => pick(random, pieces, '')).join('')
      const text = random(4) === 0 ? noise : mutate(random, good, pieces)
      const tools = pick(random, [undefined, toolsOf(calls)], undefined)
      const options = { toolParser, tools: tools ?? null }
      const problem = check(random, text, options, dropped)
      if (problem !== null) failures.push(`${JSON.stringify(text)}\n  ${problem}`)
    }
    expect(failures.join('\n')).toBe('')
  })

  const unframed = toolParserNames.filter((name) => droppedBy(findToolFormat(name)) !== null)

  test.each(unframed)('of %s keeps the text around calls', (toolParser) => {
    const random = createRandom(seed)
    const isBare = 'bare' in findToolFormat(toolParser) && /json|pythonic|xlam/.test(toolParser)
    const noises = ['Well, ', 'one\ntwo ', 'x < y ', ' and "so" on', '3 > 2 | 1', '']
    for (let run = 0; run < 100; run++) {
      const calls = randomCalls(random, ['Paris', 'a "b" c', 'x\ny', 'é👍'])
      const before = isBare ? '' : pick(random, noises, '')
      const [between, after] = [pick(random, noises, ''), pick(random, noises, '')]
      const write = callWriters[toolParser]?.write ?? (() => '')
      const second = isBare ? '' : write(calls)
      const text = before + write(calls) + between + second + after
      const { content } = parseOutput(text, { toolParser })
      const wanted = lettersOf(before + between + after, [])
      expect(lettersOf(content ?? '', []), text).toBe(wanted)
    }
  })

  test.each(toolParserNames)('of %s is cut off anywhere without harm', (toolParser) => {
    const random = createRandom(seed + toolParserNames.indexOf(toolParser))
    const isBare = /pythonic|xlam/.test(toolParser)
    for (let run = 0; run < 4; run++) {
      const calls = randomCalls(random, ['Paris', 'a b', '12', 'é👍', ''])
      const text = (isBare ? '' : 'One, two. ') + (callWriters[toolParser]?.write(calls) ?? '')
      const options = { toolParser, tools: toolsOf(calls) }
      const whole = parseOutput(text, options)
      for (let length = 0; length <= text.length; length++) {
        const given = text.slice(0, length)
        const cut = parseOutput(given, { ...options, finishReason: 'length' })
        const stopped = parseOutput(given, options)
        expect(startsAs(cut, whole), `${given}\n${comparable(cut)}`).toBe(true)
        expect(
          stopped.toolCalls.every((call) => isJson(call.arguments)),
          given,
        ).toBe(true)
      }
    }
  })
})
