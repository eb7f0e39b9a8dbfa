import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { createOutputParser, type OutputParserOptions } from '../../../src/parsers/index.ts'

const hermes: OutputParserOptions = { toolParser: 'hermes', reasoningParser: 'qwen3' }

const push = (options: OutputParserOptions, ...pieces: string[]) => {
  const parser = createOutputParser(options)
  return pieces.map((piece) => parser.push(piece))
}

describe('streaming', () => {
  test('sends text at once, and holds back no more than a possible marker', () => {
    expect(push(hermes, 'x < y', ' and <tool', ' shed')).toEqual([
      [{ content: 'x < y' }],
      [{ content: ' and ' }],
      [{ content: '<tool shed' }],
    ])
  })

  test('sends thinking as it comes', () => {
    expect(push(hermes, '<think>', '\n', '12 +', ' 30</', 'think>', '42')).toEqual([
      [],
      [],
      [{ reasoning: '\n12 +' }],
      [{ reasoning: ' 30' }],
      [],
      [{ content: '42' }],
    ])
  })

  test('sends the name once and whole, then arguments as they come', () => {
    const id = expect.stringMatching(/^chatcmpl-tool-[0-9a-f]{16}$/)
    expect(
      push(
        hermes,
        '<tool_call>\n{"name": "get_',
        'weather", "argu',
        'ments": {"ci',
        'ty": "P',
        '"}}',
      ),
    ).toEqual([
      [],
      [],
      [
        { toolCall: { index: 0, id, name: 'get_weather' } },
        { toolCall: { index: 0, arguments: '{"ci' } },
      ],
      [{ toolCall: { index: 0, arguments: 'ty": "P' } }],
      [{ toolCall: { index: 0, arguments: '"}' } }],
    ])
  })

  test('two calls have ids of their own', () => {
    const [deltas = []] = push(
      hermes,
      '<tool_call>{"name": "f"}</tool_call><tool_call>{"name": "f"}</tool_call>',
    )
    const ids = deltas.flatMap(({ toolCall }) => toolCall?.id ?? [])
    expect(new Set(ids).size).toBe(2)
  })

  test('a special token cut in two is dropped', () => {
    const options = { ...hermes, specialTokens: ['<|im_end|>'] }
    expect(push(options, 'Hi<|im', '_end|>', '!')).toEqual([
      [{ content: 'Hi' }],
      [],
      [{ content: '!' }],
    ])
  })
})

describe('an unknown parser', () => {
  test.each([
    [{ toolParser: 'hermez' }, /toolParser.*"hermez".*hermes/],
    [{ reasoningParser: 'toString' }, /reasoningParser.*"toString".*qwen3/],
  ])('%j is refused with the names there are', (options, message) => {
    expect(() => createOutputParser(options)).toThrow(EngineError)
    expect(() => createOutputParser(options)).toThrow(message)
  })
})
