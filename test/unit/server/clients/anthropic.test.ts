import Anthropic, { APIError, BadRequestError, NotFoundError } from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../../src/errors.ts'
import { eos, type TestServerOptions } from '../fixtures.ts'
import { collect, hermesCall, serve, thoughtful, twoCallsThenAnswer } from './client-fixtures.ts'

const connect = (options: TestServerOptions) => {
  const { server, fetch } = serve(options)
  const client = new Anthropic({
    baseURL: 'http://quire.test',
    apiKey: 'none',
    maxRetries: 0,
    fetch,
  })
  return { server, client }
}

const body = {
  model: 'tiny',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'hi' }],
}
const weather = {
  name: 'weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
}
const thinking = { reasoningParser: 'qwen3' }
const calling = { toolParser: 'hermes' }

/** Signatures and ids differ from answer to answer. */
const plain = ({ content }: Anthropic.Message): object[] =>
  content.map((block) => ({
    ...block,
    ...('id' in block ? { id: '' } : {}),
    ...('signature' in block ? { signature: '' } : {}),
  }))

describe('the Anthropic package, unmodified', () => {
  it('gets a message', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const message = await client.messages.create({ ...body, system: 'Be short.' })
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'tiny',
      content: [{ type: 'text', text: 'Hello' }],
      stop_reason: 'end_turn',
      usage: { output_tokens: 3 },
    })
    expect(server.templateInputs[0]?.messages).toEqual([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'hi' },
    ])
  })

  it('streams what it gets whole', async () => {
    const script = { pieces: ['Hel', 'lo', eos] }
    const { client } = connect({ scripts: [script, script, script] })
    const texts: string[] = []
    const stream = client.messages.stream(body).on('text', (text) => texts.push(text))
    const streamed = await stream.finalMessage()
    const whole = await client.messages.create(body)
    expect(texts).toEqual(['Hel', 'lo'])
    expect(plain(streamed)).toEqual(plain(whole))
    expect(streamed).toMatchObject({ stop_reason: 'end_turn', usage: whole.usage })
    const events = await collect(await client.messages.create({ ...body, stream: true }))
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  it('gets thinking in a block of its own, and hands it back', async () => {
    const { client, server } = connect({
      scripts: [thoughtful, thoughtful, { pieces: [eos] }],
      model: thinking,
    })
    const streamed = await client.messages.stream(body).finalMessage()
    const whole = await client.messages.create(body)
    expect(plain(streamed)).toEqual(plain(whole))
    expect(plain(whole)).toEqual([
      { type: 'thinking', thinking: 'Two and two.', signature: '' },
      { type: 'text', text: 'Four.' },
    ])
    const answer = { role: 'assistant' as const, content: whole.content }
    await client.messages.create({ ...body, messages: [...body.messages, answer] })
    expect(server.templateInputs[2]?.messages[1]).toEqual({
      role: 'assistant',
      content: 'Four.',
      reasoning: 'Two and two.',
    })
  })

  it('calls tools, and goes on with their results', async () => {
    const { client, server } = connect({ scripts: twoCallsThenAnswer, model: calling })
    const first = await client.messages.create({ ...body, tools: [weather] })
    const calls = first.content.filter((block) => block.type === 'tool_use')
    expect(first.stop_reason).toBe('tool_use')
    expect(calls.map(({ input }) => input)).toEqual([{ city: 'Oslo' }, { city: 'Lima' }])
    const results = calls.map(({ id }, index) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: index === 0 ? '3' : [{ type: 'text' as const, text: '19' }],
    }))
    const second = await client.messages.create({
      ...body,
      tools: [weather],
      messages: [
        ...body.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [...results, { type: 'text', text: 'So?' }] },
      ],
    })
    expect(plain(second)).toEqual([{ type: 'text', text: 'Oslo: 3°, Lima: 19°.' }])
    expect(server.templateInputs[1]?.messages).toMatchObject([
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        tool_calls: [
          { id: calls[0]?.id, function: { name: 'weather', arguments: { city: 'Oslo' } } },
          { id: calls[1]?.id, function: { name: 'weather', arguments: { city: 'Lima' } } },
        ],
      },
      { role: 'tool', tool_call_id: calls[0]?.id, content: '3' },
      { role: 'tool', tool_call_id: calls[1]?.id, content: '19' },
      { role: 'user', content: 'So?' },
    ])
  })

  it('streams the input of tools', async () => {
    const pieces = ['Wait.', ...hermesCall('weather', { city: 'Oslo' }), eos]
    const { client } = connect({ scripts: [{ pieces }], model: calling })
    const parts: string[] = []
    const stream = client.messages
      .stream({ ...body, tools: [weather] })
      .on('inputJson', (part) => parts.push(part))
    const message = await stream.finalMessage()
    expect(plain(message)).toMatchObject([
      { type: 'text', text: 'Wait.' },
      { type: 'tool_use', name: 'weather', input: { city: 'Oslo' } },
    ])
    expect(parts.length).toBeGreaterThan(1)
    expect(message.stop_reason).toBe('tool_use')
  })

  it.each([{ type: 'any' as const }, { type: 'tool' as const, name: 'weather' }])(
    'holds the model to a call: %j',
    async (tool_choice) => {
      const pieces = [...hermesCall('weather', { city: 'Oslo' }), eos]
      const { client, server } = connect({ scripts: [{ pieces }], model: calling })
      const message = await client.messages.create({ ...body, tools: [weather], tool_choice })
      expect(message).toMatchObject({
        content: [{ type: 'tool_use', input: { city: 'Oslo' } }],
        stop_reason: 'tool_use',
      })
      expect(server.engine.requests[0]?.tokenMask).toBeDefined()
    },
  )

  it('holds the model to a schema', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['{"city":"Oslo"}', eos] }] })
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    }
    const message = await client.messages.parse({
      ...body,
      output_config: { format: { type: 'json_schema', schema } },
    })
    expect(plain(message)).toMatchObject([{ type: 'text', text: '{"city":"Oslo"}' }])
    expect(server.engine.requests[0]?.tokenMask).toBeDefined()
  })

  it('learns which stop sequence ended the message', async () => {
    const script = { pieces: ['a', 'END', 'b', eos] }
    const { client } = connect({ scripts: [script, script] })
    const stopped = { ...body, stop_sequences: ['END'] }
    const expected = { stop_reason: 'stop_sequence', stop_sequence: 'END' }
    expect(await client.messages.create(stopped)).toMatchObject(expected)
    expect(await client.messages.stream(stopped).finalMessage()).toMatchObject(expected)
  })

  it('counts tokens', async () => {
    const { client } = connect({})
    const count = await client.messages.countTokens({ model: 'tiny', messages: body.messages })
    expect(count.input_tokens).toBe('user:hi|assistant:'.length)
  })

  it('throws its own errors', async () => {
    const { client } = connect({
      scripts: [{ pieces: ['a'], end: new EngineError('internal', 'It broke.') }],
    })
    const other = client.messages.create({ ...body, model: 'other' })
    await expect(other).rejects.toBeInstanceOf(NotFoundError)
    const none = client.messages.create({ ...body, max_tokens: 0 })
    await expect(none).rejects.toBeInstanceOf(BadRequestError)
    await expect(none).rejects.toThrow('max_tokens must be positive')
    const broken = client.messages.stream(body).finalMessage()
    await expect(broken).rejects.toBeInstanceOf(APIError)
    await expect(broken).rejects.toThrow('It broke.')
  })

  it('frees the engine when the stream is aborted', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const stream = client.messages.stream(body)
    stream.on('text', () => stream.abort())
    await expect(stream.finalMessage()).rejects.toThrow('aborted')
    expect(server.engine.running.size).toBe(0)
  })
})
