import { describe, expect, it } from 'vitest'
import { readMessagesRequest } from '../../../src/server/anthropic/request.ts'
import { serveEmbeddings } from './clients/client-fixtures.ts'
import { createTestServer, eos, type TestServerOptions } from './fixtures.ts'

const basics = { model: 'tiny', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
const weather = { name: 'weather', description: 'Tells it.', input_schema: { properties: {} } }

const toChat = (body: object) => readMessagesRequest({ ...basics, ...body })

const send = async (body: object, options: TestServerOptions = {}) => {
  const server = createTestServer({ scripts: [{ pieces: ['a', eos] }], ...options })
  const response = await server.post('/v1/messages', { ...basics, ...body })
  return { ...server, response, json: await response.json() }
}

const messagesOf = (messages: unknown, system?: unknown) => toChat({ messages, system })['messages']

const text = (value: string) => ({ type: 'text', text: value })
const tool = (content: string) => ({ role: 'tool', tool_call_id: '1', content })

describe('messages as a chat', () => {
  it('has the system prompt first, out of blocks and of messages', () => {
    const system = [
      { type: 'text', text: 'x-anthropic-billing-header: cch=1;' },
      { type: 'text', text: 'Be short.' },
    ]
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'system', content: ' Be kind.' },
    ]
    expect(messagesOf(messages, system)).toEqual([
      { role: 'system', content: 'Be short. Be kind.' },
      { role: 'user', content: 'hi' },
    ])
    expect(messagesOf(basics.messages, '')).toEqual(basics.messages)
  })

  it('takes blocks of text as parts, and one alone as a string', () => {
    const one = [{ role: 'user', content: [text('a')] }]
    const two = [{ role: 'user', content: [text('a'), text('b')] }]
    expect(messagesOf(one)).toEqual([{ role: 'user', content: 'a' }])
    expect(messagesOf(two)).toEqual(two)
  })

  it('has thoughts as reasoning, and drops sealed ones', () => {
    const content = [
      { type: 'thinking', thinking: 'so', signature: 'x' },
      { type: 'redacted_thinking', data: 'x' },
      { type: 'text', text: 'a' },
    ]
    expect(messagesOf([{ role: 'assistant', content }])).toEqual([
      { role: 'assistant', content: 'a', reasoning: 'so' },
    ])
  })

  it('has results of tools as messages of their own, before the text', () => {
    const result = { type: 'tool_result', tool_use_id: '1' }
    const lines = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]
    const content = [
      { type: 'text', text: 'So?' },
      { ...result, content: '3' },
      { ...result, content: lines },
      result,
    ]
    expect(messagesOf([{ role: 'user', content }])).toEqual([
      tool('3'),
      tool('a\nb'),
      tool(''),
      { role: 'user', content: 'So?' },
    ])
    expect(messagesOf([{ role: 'user', content: [result] }])).toEqual([tool('')])
    expect(messagesOf([{ role: 'assistant', content: [{ ...result, content: '3' }] }])).toEqual([
      { role: 'assistant', content: 'Tool result: 3' },
    ])
  })

  it('knows Claude Code’s names of the user', () => {
    expect(messagesOf([{ role: 'ctx', content: 'hi' }])).toEqual(basics.messages)
  })

  it('has tools as functions, with a schema of an object', () => {
    expect(toChat({ tools: [weather] })).toMatchObject({
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'Tells it.',
            parameters: { type: 'object', properties: {} },
          },
        },
      ],
      tool_choice: undefined,
      parallel_tool_calls: true,
    })
  })

  it.each([
    ['auto', 'auto'],
    ['any', 'required'],
    ['none', 'none'],
    ['tool', { type: 'function', function: { name: 'weather' } }],
  ])('chooses tools: %s', (type, expected) => {
    const tool_choice = { type, name: 'weather', disable_parallel_tool_use: true }
    expect(toChat({ tools: [weather], tool_choice })).toMatchObject({
      tool_choice: expected,
      parallel_tool_calls: false,
    })
    expect(toChat({ tool_choice })).not.toHaveProperty('tool_choice')
  })

  it('passes sampling, the output format and the effort on', () => {
    const schema = { type: 'object' }
    const body = {
      stop_sequences: ['x'],
      temperature: 0.5,
      top_k: 3,
      top_p: 0.25,
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
      metadata: { user_id: 'ada' },
    }
    expect(toChat(body)).toMatchObject({
      max_tokens: 9,
      stop: ['x'],
      temperature: 0.5,
      top_k: 3,
      top_p: 0.25,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'json_schema', schema } },
    })
  })
})

describe('a message', () => {
  it('has no input for a call that was cut off', async () => {
    const pieces = ['<tool_call>', '{"name": "weather", "arguments": {"city": "Os']
    const { json } = await send(
      { tools: [weather] },
      { scripts: [{ pieces, end: 'length' }], model: { toolParser: 'hermes' } },
    )
    expect(json).toMatchObject({
      content: [{ type: 'tool_use', name: 'weather', input: {} }],
      stop_reason: 'tool_use',
    })
  })

  it('has the client’s request id in its own', async () => {
    const { post } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    const headers = { 'content-type': 'application/json', 'x-request-id': 'mine' }
    expect(await (await post('/v1/messages', basics, { headers })).json()).toMatchObject({
      id: 'chatcmpl-mine',
    })
  })

  it('is counted as its prompt would be', async () => {
    const { post } = createTestServer()
    const response = await post('/v1/messages/count_tokens', {
      ...basics,
      system: 'Be short.',
      tools: [weather],
      tool_choice: { type: 'none' },
    })
    const numTokens = 'system:Be short.|user:hi|assistant:'.length
    expect(await response.json()).toEqual({
      input_tokens: numTokens,
      context_management: { original_input_tokens: numTokens },
    })
  })
})

const image = { type: 'image', source: { type: 'url', url: 'x' } }

describe('refusals of messages', () => {
  it.each([
    [{ max_tokens: undefined }, 400, 'Bad Request', "('body', 'max_tokens')"],
    [{ max_tokens: -1 }, 400, 'Bad Request', 'Value error, max_tokens must be positive'],
    [{ model: '' }, 400, 'Bad Request', 'Value error, Model is required'],
    [
      { stop_sequences: ['a', 'b', 'c', 'd', 'e'] },
      400,
      'Bad Request',
      "('body', 'stop_sequences'), 'msg': 'List should have at most 4 items after validation, not 5'",
    ],
    [
      { tool_choice: { type: 'tool' } },
      400,
      'Bad Request',
      "tool_choice.name is required when type is 'tool'",
    ],
    [{ messages: [{ role: 'dog', content: '' }] }, 400, 'Bad Request', 'Input should be'],
    [
      { messages: [{ role: 'user', content: [image] }] },
      400,
      'BadRequestError',
      "Content blocks of type 'image' are not supported by this version.",
    ],
    [
      { messages: [{ role: 'user', content: 7 }] },
      400,
      'BadRequestError',
      '`content` must be a string or a list of content blocks.',
    ],
    [
      { output_config: { format: { type: 'xml' } } },
      400,
      'BadRequestError',
      "Output format 'xml' is unknown. Use 'json_schema'.",
    ],
    [{ model: 'other' }, 404, 'NotFoundError', 'The model `other` does not exist.'],
    [{ stop_sequences: [''] }, 400, 'BadRequestError', 'stop cannot contain an empty string.'],
  ])('%j', async (body, status, type, message) => {
    const { response, json } = await send(body)
    expect(response.status).toBe(status)
    expect(json).toEqual({ type: 'error', error: { type, message: expect.anything() } })
    expect(json.error.message).toContain(message)
  })

  it('come in Anthropic’s shape for other endpoints and models', async () => {
    const { post } = createTestServer()
    const response = await post('/v1/messages/count_tokens', { ...basics, model: 'other' })
    expect(await response.json()).toMatchObject({ type: 'error' })
    const embedding = await serveEmbeddings()('http://quire.test/v1/messages', {
      method: 'POST',
      body: JSON.stringify(basics),
    })
    expect(embedding.status).toBe(404)
    expect(await embedding.json()).toEqual({
      type: 'error',
      error: { type: 'NotFoundError', message: 'The model does not support Messages API' },
    })
  })
})
