import { describe, expect, test } from 'vitest'
import { toolParserNames, type OutputFinishReason } from '../../../src/parsers/index.ts'
import { readFixtures, replay, type Fixture, type ReplayOptions } from './replay.ts'

type ToolFixture = {
  readonly name: string
  readonly text: string
  readonly reasoning?: string
  readonly content?: string
  /** Name and arguments of each call. */
  readonly calls?: readonly (readonly [string, string])[]
  readonly finishReason?: OutputFinishReason
  /** The schemas of each tool's parameters, or their types. */
  readonly tools?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly options?: ReplayOptions
}

/** Parsers that read one format under several names. */
const sameAs: Readonly<Record<string, string>> = {
  llama4_json: 'llama3_json',
  cohere_command4: 'cohere_command3',
  cohere_command: 'cohere_command3',
  qwen3_xml: 'qwen3_coder',
  mimo: 'qwen3_coder',
  nemotron: 'qwen3_coder',
  step3p5: 'qwen3_coder',
  glm47: 'glm45',
  ling3: 'glm45',
}

const files = readFixtures<readonly ToolFixture[]>('tools')
const fixturesOf = (toolParser: string) => files.get(sameAs[toolParser] ?? toolParser) ?? []

const toTool = ([name, parameters]: readonly [string, Readonly<Record<string, unknown>>]) => {
  const properties = Object.entries(parameters).map(([key, schema]) => [
    key,
    typeof schema === 'string' ? { type: schema } : schema,
  ])
  const schema = { type: 'object', properties: Object.fromEntries(properties) }
  return { type: 'function', function: { name, parameters: schema } }
}

const toFixture = (toolParser: string, fixture: ToolFixture): Omit<Fixture, 'name'> => {
  const { text, reasoning = null, content = null, calls = [], finishReason = 'stop' } = fixture
  return {
    text,
    options: {
      ...(fixture.tools && { tools: Object.entries(fixture.tools).map(toTool) }),
      ...fixture.options,
      toolParser,
      finishReason,
    },
    expected: {
      reasoning,
      content,
      toolCalls: calls.map(([name, json]) => ({ name, arguments: json })),
      finishReason: calls.length > 0 && finishReason === 'stop' ? 'tool_calls' : finishReason,
    },
  }
}

test('there are at least twelve fixtures for every tool parser', () => {
  expect(toolParserNames.filter((name) => fixturesOf(name).length < 12)).toEqual([])
})

describe.each(toolParserNames)('%s', (toolParser) => {
  test.each(fixturesOf(toolParser))('$name', (fixture) => {
    replay(toFixture(toolParser, fixture))
  })
})
