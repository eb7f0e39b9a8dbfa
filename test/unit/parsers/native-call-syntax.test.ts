import { describe, expect, test } from 'vitest'
import { parseOutput, toolParserNames } from '../../../src/parsers/index.ts'
import { nativeCallSyntax } from '../../../src/parsers/native-call-syntax.ts'
import { callWriters } from './tool-writers.ts'

const calls = [
  { name: 'get_weather', arguments: { city: 'Paris "x"' } },
  { name: 'add', arguments: { a: 1, b: [2] } },
]

const compose = (toolParser: string): string | null => {
  const syntax = nativeCallSyntax(toolParser)
  if (syntax === null) return null
  const written = calls.map(
    ({ name, arguments: fields }, index) =>
      syntax.begin(name, index) + JSON.stringify(fields) + syntax.end,
  )
  return syntax.open + written.join(syntax.separator) + syntax.close
}

describe.each(toolParserNames)('%s', (toolParser) => {
  test('has a syntax where its arguments are JSON, and reads what is written in it', () => {
    const text = compose(toolParser)
    const writer = callWriters[toolParser]
    expect(text).toBe(writer?.isVerbatim ? writer.write(calls) : null)
    if (text === null) return
    expect(parseOutput(text, { toolParser })).toMatchObject({
      content: null,
      toolCalls: calls.map(({ name, arguments: fields }) => ({
        name,
        arguments: JSON.stringify(fields),
      })),
    })
  })
})

test('a parser that there is not has none', () => {
  expect(nativeCallSyntax('toString')).toBe(null)
})
