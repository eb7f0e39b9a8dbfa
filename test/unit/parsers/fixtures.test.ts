import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  collectOutput,
  createOutputParser,
  parseOutput,
  reasoningParserNames,
  toolParserNames,
  type OutputDelta,
  type OutputFinishReason,
  type OutputParserOptions,
  type ParsedOutput,
} from '../../../src/parsers/index.ts'

type Fixture = {
  readonly name: string
  readonly options: OutputParserOptions & { readonly finishReason?: OutputFinishReason }
  readonly text: string
  readonly expected: Omit<ParsedOutput, 'toolCalls'> & {
    readonly toolCalls: readonly { readonly name: string; readonly arguments: string }[]
  }
}

const folder = new URL('../../fixtures/parsers/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.json'))

const readFixtures = (file: string): readonly Fixture[] =>
  JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

const withoutIds = ({ toolCalls, ...rest }: ParsedOutput) => ({
  ...rest,
  toolCalls: toolCalls.map(({ name, arguments: text }) => ({ name, arguments: text })),
})

/** A call is announced once, by id and whole name, before its arguments; indices count up. */
const checkOrder = (deltas: readonly OutputDelta[]) => {
  let numCalls = 0
  for (const { toolCall, content, reasoning } of deltas) {
    if (content === '' || reasoning === '') throw new Error('an empty delta')
    if (!toolCall) continue
    if (toolCall.id === undefined) {
      if (toolCall.index !== numCalls - 1 || !toolCall.arguments || toolCall.name !== undefined) {
        throw new Error(`unexpected ${JSON.stringify(toolCall)} after ${numCalls} calls`)
      }
    } else {
      if (toolCall.index !== numCalls || !toolCall.name || toolCall.arguments !== undefined) {
        throw new Error(`unexpected ${JSON.stringify(toolCall)} after ${numCalls} calls`)
      }
      if (!/^chatcmpl-tool-[0-9a-f]{16}$/.test(toolCall.id)) throw new Error(toolCall.id)
      numCalls++
    }
  }
}

const parsePieces = (pieces: readonly string[], options: Fixture['options']) => {
  const parser = createOutputParser(options)
  const reason = options.finishReason ?? 'stop'
  const deltas = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.finish(reason)]
  checkOrder(deltas)
  return withoutIds(collectOutput(deltas, reason))
}

/** Every way to cut the text that we try; each must parse to the same. */
const cuts = (text: string): (readonly string[])[] => [
  [text],
  text.split(''),
  ...Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]),
  ...[1, 2, 3, 4].map((seed) => cutAtRandom(text, seed)),
]

/** A small generator of its own, so that a failure repeats. */
const cutAtRandom = (text: string, seed: number): string[] => {
  const pieces: string[] = []
  let state = seed
  for (let at = 0; at < text.length;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const length = 1 + ((state >>> 16) % 9)
    pieces.push(text.slice(at, at + length))
    at += length
  }
  return pieces
}

test('there are fixtures for every parser', () => {
  const names = new Set(files.map((file) => file.replace('.json', '')))
  expect([...toolParserNames, ...reasoningParserNames].filter((name) => !names.has(name))).toEqual(
    [],
  )
})

describe.each(files)('%s', (file) => {
  test.each(readFixtures(file))('$name', ({ text, options, expected }) => {
    expect(withoutIds(parseOutput(text, options))).toEqual(expected)
    const wanted = JSON.stringify(withoutIds(parseOutput(text, options)))
    const differing = cuts(text).filter(
      (pieces) => JSON.stringify(parsePieces(pieces, options)) !== wanted,
    )
    expect(differing).toEqual([])
  })
})
