import { describe, expect, test } from 'vitest'
import { toolParserNames } from '../../../src/parsers/index.ts'
import { readFixtures, replay, toFixture, type ShortFixture } from './replay.ts'

type ToolFixture = ShortFixture & {
  /** The request's tools: parameters by name, each a schema or its type alone, and `$defs`. */
  readonly tools?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
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

const toTool = ([name, given]: readonly [string, Readonly<Record<string, unknown>>]) => {
  const { $defs, ...parameters } = given
  const properties = Object.entries(parameters).map(([key, schema]) => [
    key,
    typeof schema === 'string' ? { type: schema } : schema,
  ])
  const schema = { type: 'object', properties: Object.fromEntries(properties), $defs }
  return { type: 'function', function: { name, parameters: schema } }
}

test('there are at least twelve fixtures for every tool parser', () => {
  expect(toolParserNames.filter((name) => fixturesOf(name).length < 12)).toEqual([])
})

describe.each(toolParserNames)('%s', (toolParser) => {
  test.each(fixturesOf(toolParser))('$name', (fixture) => {
    const tools = fixture.tools && Object.entries(fixture.tools).map(toTool)
    replay(toFixture(fixture, { toolParser, ...(tools && { tools }) }))
  })
})
