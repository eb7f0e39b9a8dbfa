import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import {
  collectOutput,
  createOutputParser,
  parseOutput,
  type OutputDelta,
  type OutputFinishReason,
  type OutputParserOptions,
  type ParsedOutput,
} from '../../../src/parsers/index.ts'

export type ReplayOptions = OutputParserOptions & { readonly finishReason?: OutputFinishReason }

export type Fixture = {
  readonly name: string
  readonly options: ReplayOptions
  readonly text: string
  readonly expected: Omit<ParsedOutput, 'toolCalls'> & {
    readonly toolCalls: readonly { readonly name: string; readonly arguments: string }[]
  }
}

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
      numCalls++
    }
  }
}

/** What the output comes to when it arrives in these pieces. */
export const parsePieces = (pieces: readonly string[], options: ReplayOptions) => {
  const parser = createOutputParser(options)
  const reason = options.finishReason ?? 'stop'
  const deltas = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.finish(reason)]
  checkOrder(deltas)
  return withoutIds(collectOutput(deltas, reason))
}

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

/** Every way to cut the text that we try; each must parse to the same. */
const cuts = (text: string): (readonly string[])[] => [
  [text],
  text.split(''),
  ...Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]),
  ...[1, 2, 3, 4].map((seed) => cutAtRandom(text, seed)),
]

/** Parses the text whole and in pieces, and holds both to what is expected. */
export const replay = ({ text, options, expected }: Omit<Fixture, 'name'>) => {
  expect(withoutIds(parseOutput(text, options))).toEqual(expected)
  const wanted = JSON.stringify(withoutIds(parseOutput(text, options)))
  const differing = cuts(text).filter(
    (pieces) => JSON.stringify(parsePieces(pieces, options)) !== wanted,
  )
  expect(differing).toEqual([])
}

/** The fixture files of a folder by their names without `.json`. */
export const readFixtures = <File>(folder: string): ReadonlyMap<string, File> => {
  const url = new URL(`../../fixtures/parsers/${folder}/`, import.meta.url)
  const files = readdirSync(url).filter((file) => file.endsWith('.json'))
  return new Map(
    files.map((file): [string, File] => [
      file.replace('.json', ''),
      JSON.parse(readFileSync(new URL(file, url), 'utf8')),
    ]),
  )
}

/** A fixture by what it has: content, thinking and finish reason go without saying where usual. */
export type ShortFixture = {
  readonly name: string
  readonly text: string
  readonly reasoning?: string
  readonly content?: string
  /** Name and arguments of each call. */
  readonly calls?: readonly (readonly [string, string])[]
  readonly finishReason?: OutputFinishReason
  readonly options?: ReplayOptions
}

export const toFixture = (
  fixture: ShortFixture,
  parsers: OutputParserOptions,
): Omit<Fixture, 'name'> => {
  const { text, reasoning = null, content = null, calls = [], finishReason = 'stop' } = fixture
  return {
    text,
    options: { ...parsers, ...fixture.options, finishReason },
    expected: {
      reasoning,
      content,
      toolCalls: calls.map(([name, json]) => ({ name, arguments: json })),
      finishReason: calls.length > 0 && finishReason === 'stop' ? 'tool_calls' : finishReason,
    },
  }
}
