import { expect, test } from 'vitest'
import { reasoningParserNames } from '../../../src/parsers/index.ts'
import { describeFixtures, readFixtures, type Fixture } from './replay.ts'

const fixtures = readFixtures<readonly Fixture[]>('reasoning')

test('there are fixtures for every reasoning parser', () => {
  expect(reasoningParserNames.filter((name) => !fixtures.has(name))).toEqual([])
})

describeFixtures(fixtures)
