import { describe, expect, test } from 'vitest'
import { reasoningParserNames } from '../../../src/parsers/index.ts'
import { readFixtures, replay, toFixture, type ShortFixture } from './replay.ts'

/** Parsers that read one format under several names. */
const sameAs: Readonly<Record<string, string>> = {
  mimo: 'qwen3',
  glm47: 'glm45',
  poolside_v1: 'deepseek_v3',
  deepseek_v41: 'deepseek_v4',
  cohere_command4: 'cohere_command3',
  cohere_command: 'cohere_command3',
}

const files = readFixtures<readonly ShortFixture[]>('reasoning')
const fixturesOf = (name: string) => files.get(sameAs[name] ?? name) ?? []

test('there are at least twelve fixtures for every reasoning parser', () => {
  expect(reasoningParserNames.filter((name) => fixturesOf(name).length < 12)).toEqual([])
})

describe.each(reasoningParserNames)('%s', (reasoningParser) => {
  test.each(fixturesOf(reasoningParser))('$name', (fixture) => {
    replay(toFixture(fixture, { reasoningParser }))
  })
})
