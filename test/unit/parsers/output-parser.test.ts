import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import {
  collectOutput,
  createOutputParser,
  parseOutput,
  type OutputParserOptions,
} from '../../../src/parsers/index.ts'

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
        'ments": {"city": "P',
        'ar',
        'is"}}',
      ),
    ).toEqual([
      [],
      [],
      [
        { toolCall: { index: 0, id, name: 'get_weather' } },
        { toolCall: { index: 0, arguments: '{"city": "P' } },
      ],
      [{ toolCall: { index: 0, arguments: 'ar' } }],
      [{ toolCall: { index: 0, arguments: 'is"}' } }],
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

describe('streaming tagged arguments', () => {
  const tools = [
    {
      type: 'function',
      function: {
        name: 'f',
        parameters: { properties: { text: { type: 'string' }, n: { type: 'integer' } } },
      },
    },
  ]
  const options = { toolParser: 'qwen3_coder', tools }

  test('sends strings as they come and other values when they are whole', () => {
    const id = expect.any(String)
    expect(
      push(
        options,
        '<tool_call>\n<function=',
        'f>\n<parameter=te',
        'xt>\nab',
        'c "d',
        '\n</para',
        'meter>\n<parameter=n>\n4',
        '2\n</parameter>\n</func',
        'tion>\n</tool_call>',
      ),
    ).toEqual([
      [],
      [{ toolCall: { index: 0, id, name: 'f' } }],
      [{ toolCall: { index: 0, arguments: '{"text": "ab' } }],
      [{ toolCall: { index: 0, arguments: 'c \\"d' } }],
      [],
      [{ toolCall: { index: 0, arguments: '"' } }],
      [{ toolCall: { index: 0, arguments: ', "n": 42' } }],
      [{ toolCall: { index: 0, arguments: '}' } }],
    ])
  })
})

describe('ids of calls', () => {
  const call = '{"name": "f", "arguments": {}}'

  test.each([
    ['hermes', `<tool_call>${call}</tool_call>`, /^chatcmpl-tool-[0-9a-f]{16}$/],
    ['mistral', '[TOOL_CALLS]f[ARGS]{}', /^[A-Za-z0-9]{9}$/],
    ['xlam', `[${call}]`, /^call_[0-9a-f]{32}$/],
    ['hunyuan_a13b', `<tool_calls>[${call}]</tool_calls>`, /^call_[0-9a-f]{32}$/],
    ['minicpm5', '<function name="f"></function>', /^call_[0-9a-f]{32}$/],
    [
      'kimi_k2',
      '<|tool_call_begin|>functions.f:7<|tool_call_argument_begin|>{}<|tool_call_end|>',
      /^functions\.f:7$/,
    ],
  ])('are those of %s', (toolParser, text, id) => {
    expect(parseOutput(text, { toolParser }).toolCalls[0]?.id).toMatch(id)
  })
})

describe('an answer that is held to plain JSON', () => {
  const named = { type: 'function', function: { name: 'f' } } as const

  test('is a list of calls where one is required', () => {
    const options = { toolParser: 'mistral', toolChoice: 'required', guided: true } as const
    const text = '[{"name": "f", "parameters": {"a": [1]}}, {"name": "g", "parameters": {}}]'
    expect(parseOutput(text, options)).toMatchObject({
      content: null,
      toolCalls: [
        { id: expect.stringMatching(/^\w{9}$/), name: 'f', arguments: '{"a": [1]}' },
        { name: 'g', arguments: '{}' },
      ],
      finishReason: 'tool_calls',
    })
  })

  test('is the arguments of a named tool, sent as they come', () => {
    const id = expect.stringMatching(/^chatcmpl-tool-/)
    expect(push({ toolChoice: named, guided: true }, '{', '"a": "b', 'c"', '}\n')).toEqual([
      [{ toolCall: { index: 0, id, name: 'f' } }],
      [{ toolCall: { index: 0, arguments: '{"a": "b' } }],
      [{ toolCall: { index: 0, arguments: 'c' } }],
      [{ toolCall: { index: 0, arguments: '"}' } }],
    ])
  })

  test('comes behind the thinking', () => {
    const options = { reasoningParser: 'deepseek_r1', toolChoice: named, guided: true }
    expect(parseOutput('hm</think>\n{"a": 1}', options)).toMatchObject({
      reasoning: 'hm',
      content: null,
      toolCalls: [{ name: 'f', arguments: '{"a": 1}' }],
    })
  })

  test('is completed where it stops early, and left open where it is cut off', () => {
    const options = { toolChoice: named, guided: true }
    expect(parseOutput('{"a": ["b', options).toolCalls[0]?.arguments).toBe('{"a": ["b"]}')
    const cut = parseOutput('{"a": ["b', { ...options, finishReason: 'length' })
    expect(cut.toolCalls[0]?.arguments).toBe('{"a": ["b')
  })

  test('is content where it is none of that', () => {
    expect(parseOutput('No.', { toolChoice: named, guided: true }).content).toBe('No.')
    const options = { toolChoice: 'required', guided: true } as const
    expect(parseOutput('No.', options).content).toBe('No.')
  })
})

describe('markers that are tokens', () => {
  const addedTokens = new Map([
    ['<tool_call>', { id: 1 }],
    ['</tool_call>', { id: 2 }],
    ['</think>', { id: 3 }],
    ['<|im_end|>', { id: 4 }],
    ['\n\n', { id: 5 }],
  ])
  const options: OutputParserOptions = { ...hermes, addedTokens, specialTokens: ['<|im_end|>'] }
  const call = '{"name": "f", "arguments": {"a": "</tool_call>"}}'

  const read = (...pieces: (readonly [string, number?])[]) => {
    const parser = createOutputParser(options)
    const deltas = pieces.flatMap(([text, id]) => parser.push(text, [id ?? 9]))
    return collectOutput([...deltas, ...parser.finish('stop')], 'stop')
  }

  test('count as such tokens', () => {
    const pieces = [['hm'], ['</think>', 3], ['\n\n', 5], ['<tool_call>', 1], [call]] as const
    expect(read(['<think>'], ...pieces, ['</tool_call>', 2], ['<|im_end|>', 4])).toMatchObject({
      reasoning: 'hm',
      content: null,
      toolCalls: [{ name: 'f', arguments: '{"a": "</tool_call>"}' }],
    })
  })

  test('are text where ordinary tokens spell them', () => {
    const text = `Write <tool_call>${call}</tool_call> and end with <|im_end|>.`
    expect(read(...text.split('').map((char) => [char] as const))).toMatchObject({
      content: text,
      toolCalls: [],
    })
  })

  test('are found behind characters that came late', () => {
    const { content, toolCalls } = read(['é<tool_call>', 1], [call], ['</tool_call>', 2])
    expect([content, toolCalls.length]).toEqual(['é', 1])
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
