import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { eos, type PieceScript } from '../fixtures.ts'
import { baseURL, serve } from './client-fixtures.ts'

// Drives the server as vLLM's example client for xLAM models does: it files what it streams under
// the id that a call's first delta brings, gives each call a message of its own, and asks again.

type Functions = Readonly<Record<string, (args: Readonly<Record<string, string>>) => string>>

const functions: Functions = {
  get_weather: ({ location, unit }) => `22 degrees ${unit} in ${location}`,
  calculate_expression: ({ expression }) => `${expression} is 456`,
  list_files: () => 'none',
}

const describeTool = (name: string, ...parameters: string[]) => ({
  type: 'function' as const,
  function: {
    name,
    parameters: {
      type: 'object',
      properties: Object.fromEntries(parameters.map((key) => [key, { type: 'string' }])),
      required: parameters,
    },
  },
})

const tools = [
  describeTool('get_weather', 'location', 'unit'),
  describeTool('calculate_expression', 'expression'),
  describeTool('list_files'),
]

type StreamedCall = { readonly id: string; name: string; arguments: string }

const readStream = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>) => {
  const calls = new Map<string, StreamedCall>()
  let current: StreamedCall | undefined
  let content = ''
  let finishReason: string | null = null
  for await (const { choices } of stream) {
    const { delta, finish_reason: reason } = choices[0]!
    for (const part of delta.tool_calls ?? []) {
      if (part.id) {
        current = { id: part.id, name: '', arguments: '' }
        calls.set(part.id, current)
      }
      if (!current) throw new Error('A call begins without an id.')
      current.name ||= part.function?.name ?? ''
      current.arguments += part.function?.arguments ?? ''
    }
    content += delta.content ?? ''
    finishReason = reason ?? finishReason
  }
  return { calls: [...calls.values()], content, finishReason }
}

const runCalls = (calls: readonly StreamedCall[]): OpenAI.ChatCompletionMessageParam[] =>
  calls.flatMap(({ id, name, arguments: text }) => [
    {
      role: 'assistant',
      tool_calls: [{ id, type: 'function', function: { name, arguments: text } }],
    },
    { role: 'tool', tool_call_id: id, content: functions[name]!(JSON.parse(text)) },
  ])

const converse = async (pieces: PieceScript['pieces']) => {
  const scripts = [{ pieces }, { pieces: ['It is ', 'done.', eos] }]
  const { server, fetch } = serve({ scripts, model: { toolParser: 'xlam' } })
  const client = new OpenAI({ baseURL, apiKey: 'empty', fetch })
  const { data } = await client.models.list()
  const model = data[0]!.id
  const query: OpenAI.ChatCompletionMessageParam = { role: 'user', content: 'Do it.' }
  const asked = await readStream(
    await client.chat.completions.create({
      model,
      messages: [query],
      tools,
      tool_choice: 'auto',
      stream: true,
    }),
  )
  const messages = [query, ...runCalls(asked.calls)]
  const answer = await readStream(
    await client.chat.completions.create({ model, messages, stream: true }),
  )
  return { asked, answer, followUp: server.templateInputs[1]?.messages }
}

const oneToken = (text: string): string[] => [...Array.from(text), eos]

const one =
  '[{"name": "get_weather", "arguments": {"location": "San Francisco", "unit": "celsius"}}]'
const several =
  '[{"name": "get_weather", "arguments": {"location": "Tokyo", "unit": "celsius"}}, ' +
  '{"name": "get_weather", "arguments": {"location": "New York", "unit": "celsius"}}, ' +
  '{"name": "calculate_expression", "arguments": {"expression": "25 * 17 + 31"}}]'

describe('vLLM’s client for xLAM', () => {
  it('streams a call and its follow-up', async () => {
    const { asked, answer, followUp } = await converse(oneToken(one))
    const [call] = asked.calls
    expect(asked).toEqual({
      calls: [
        {
          id: expect.stringMatching(/^call_[0-9a-f]+$/),
          name: 'get_weather',
          arguments: '{"location": "San Francisco", "unit": "celsius"}',
        },
      ],
      content: '',
      finishReason: 'tool_calls',
    })
    expect(answer).toEqual({ calls: [], content: 'It is done.', finishReason: 'stop' })
    expect(followUp).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        tool_calls: [
          { id: call?.id, function: { arguments: { location: 'San Francisco', unit: 'celsius' } } },
        ],
      },
      {
        role: 'tool',
        tool_call_id: call?.id,
        content: '22 degrees celsius in San Francisco',
      },
    ])
  })

  it.each([
    ['in single characters', oneToken(several)],
    ['in pieces of seven characters', [...(several.match(/.{1,7}/gs) ?? []), eos]],
    ['in one engine output', [oneToken(several)]],
    ['in a fence', oneToken(`\`\`\`json\n${several}\n\`\`\``)],
    ['behind thoughts', ['<think>', 'Three calls.', '</think>', ...oneToken(several)]],
  ])('streams several calls of one answer, %s', async (_, pieces) => {
    const { asked, answer, followUp } = await converse(pieces)
    expect(asked.calls.map(({ name, arguments: text }) => [name, JSON.parse(text)])).toEqual([
      ['get_weather', { location: 'Tokyo', unit: 'celsius' }],
      ['get_weather', { location: 'New York', unit: 'celsius' }],
      ['calculate_expression', { expression: '25 * 17 + 31' }],
    ])
    expect(asked.finishReason).toBe('tool_calls')
    expect(followUp?.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
      'tool',
      'assistant',
      'tool',
    ])
    expect(followUp?.at(-1)).toMatchObject({ content: '25 * 17 + 31 is 456' })
    expect(answer.content).toBe('It is done.')
  })

  it('runs a call without arguments', async () => {
    const { asked, followUp } = await converse(
      oneToken('[{"name": "list_files", "arguments": {}}]'),
    )
    expect(asked.calls).toMatchObject([{ name: 'list_files', arguments: '{}' }])
    expect(followUp?.at(-1)).toMatchObject({ role: 'tool', content: 'none' })
  })

  it('streams an answer without calls', async () => {
    const { asked } = await converse(oneToken('No tool is needed [1].'))
    expect(asked).toEqual({ calls: [], content: 'No tool is needed [1].', finishReason: 'stop' })
  })
})
