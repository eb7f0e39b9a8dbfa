import OpenAI, { NotFoundError } from 'openai'
import { describe, expect, it } from 'vitest'
import { createTestServer, eos, type TestServerOptions } from './fixtures.ts'

const connect = (options: TestServerOptions) => {
  const server = createTestServer(options)
  const client = new OpenAI({
    baseURL: 'http://quire.test/v1',
    apiKey: 'none',
    maxRetries: 0,
    fetch: (input, init) => server.handler(new Request(input, init)),
  })
  return { client, server }
}

const messages = [{ role: 'user' as const, content: 'hi' }]
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: {} } },
}

describe('the openai package, unmodified', () => {
  it('streams a chat', async () => {
    const { client } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const stream = await client.chat.completions.create({
      model: 'tiny',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let totalTokens = 0
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      totalTokens = chunk.usage?.total_tokens ?? totalTokens
    }
    expect(text).toBe('Hello')
    expect(totalTokens).toBe(21)
  })

  it('gets tool calls, streamed and whole', async () => {
    const pieces = [
      '<tool_call>',
      '{"name": "weather", "arguments": {"city":',
      ' "Oslo"}}',
      '</tool_call>',
      eos,
    ]
    const { client } = connect({
      scripts: [{ pieces }, { pieces }],
      model: { toolParser: 'hermes' },
    })
    const body = { model: 'tiny', messages, tools: [weather] }
    const whole = await client.chat.completions.create(body)
    const streamed = await client.chat.completions.stream(body).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]?.finish_reason).toBe('tool_calls')
      expect(choices[0]?.message.tool_calls).toMatchObject([
        { type: 'function', function: { name: 'weather', arguments: '{"city": "Oslo"}' } },
      ])
    }
  })

  it('gets log probabilities', async () => {
    const { client } = connect({ scripts: [{ pieces: ['a', eos] }, { pieces: ['b', eos] }] })
    const options = { model: 'tiny', logprobs: true, top_logprobs: 3 }
    const chat = await client.chat.completions.create({ ...options, messages })
    const [entry] = chat.choices[0]?.logprobs?.content ?? []
    expect(entry?.token).toBe('a')
    expect(entry?.top_logprobs).toHaveLength(3)
    const completion = await client.completions.create({ model: 'tiny', prompt: 'x', logprobs: 0 })
    expect(completion.choices[0]?.logprobs?.tokens).toEqual(['b', eos])
  })

  it('aborts a stream by leaving the loop', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a', 'b'], end: 'hang' }] })
    const stream = await client.chat.completions.create({ model: 'tiny', messages, stream: true })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'a') break
    expect(server.engine.running.size).toBe(0)
  })

  it('completes text and lists models', async () => {
    const { client } = connect({ scripts: [{ pieces: ['x', eos] }] })
    const completion = await client.completions.create({ model: 'tiny', prompt: 'ab' })
    expect(completion.choices[0]?.text).toBe('x')
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['tiny'])
  })

  it('throws its own error classes', async () => {
    const { client } = connect({})
    const refused = client.chat.completions.create({ model: 'other', messages })
    await expect(refused).rejects.toBeInstanceOf(NotFoundError)
    await expect(refused).rejects.toThrow('The model `other` does not exist.')
  })
})
