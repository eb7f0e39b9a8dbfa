import Anthropic, { BadRequestError, NotFoundError } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, type Engine } from '../../src/index.ts'

// Anthropic's package as it comes from npm, by the real engine in its worker.

let engine: Engine
let client: Anthropic
beforeAll(async () => {
  engine = await createEngine({ model: '/starter-model/' })
  client = new Anthropic({
    // The package's paths begin with /v1 themselves.
    baseURL: new URL(engine.baseURL).origin,
    apiKey: 'none',
    fetch: engine.fetch,
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
  })
})
afterAll(() => engine?.dispose())

const common = () => ({ model: engine.model, temperature: 0, max_tokens: 200 })
const user = (content: Anthropic.MessageParam['content']) => ({ role: 'user' as const, content })

const weatherTool: Anthropic.Tool = {
  name: 'get_weather',
  description: 'Current weather in a city.',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string', description: 'Name of the city' } },
    required: ['city'],
  },
}

const textOf = ({ content }: Anthropic.Message): string =>
  content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')

/** Signatures and ids differ from answer to answer. */
const plain = ({ content }: Anthropic.Message) =>
  content.map((block) => ({
    ...block,
    ...('id' in block ? { id: '' } : {}),
    ...('signature' in block ? { signature: '' } : {}),
  }))

describe('messages', () => {
  it('come whole, with their usage', async () => {
    const message = await client.messages.create({
      ...common(),
      system: 'You are a helpful assistant.',
      messages: [user('What is a quire?')],
    })
    expect(textOf(message)).toContain('Quire is an LLM engine')
    expect(message).toMatchObject({
      role: 'assistant',
      model: engine.model,
      stop_reason: 'end_turn',
    })
    expect(message.usage.output_tokens).toBeGreaterThan(5)
  })

  it('say that they were cut off, and by which sequence', async () => {
    const messages = [user('What is a quire?')]
    const cut = await client.messages.create({ ...common(), max_tokens: 8, messages })
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 8 } })
    const stopped = await client.messages.create({
      ...common(),
      stop_sequences: ['engine'],
      messages,
    })
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'engine' })
    expect(textOf(stopped)).toMatch(/Quire is an LLM $/)
  })

  it('recall what was said', async () => {
    const message = await client.messages.create({
      ...common(),
      messages: [
        user('My name is Ada.'),
        { role: 'assistant', content: [{ type: 'text', text: 'Nice to meet you, Ada!' }] },
        user("What's my name?"),
      ],
    })
    expect(textOf(message)).toContain('Ada')
  })

  it('stream thoughts and text apart, and come to what comes whole', async () => {
    const body = { ...common(), messages: [user('What is 27 + 45?')] }
    const told = { thinking: '', text: '' }
    const streamed = await client.messages
      .stream(body)
      .on('thinking', (delta) => (told.thinking += delta))
      .on('text', (delta) => (told.text += delta))
      .finalMessage()
    expect(streamed.content.map(({ type }) => type)).toEqual(['thinking', 'text'])
    expect(told.thinking).toContain('72')
    expect(told.text).toContain('72')
    expect(told.text).toBe(textOf(streamed))
    expect(told.thinking + told.text).not.toContain('think>')
    const whole = await client.messages.create(body)
    expect(plain(streamed)).toEqual(plain(whole))
    expect(streamed.usage).toEqual(whole.usage)
  })

  it('use a tool, and go on with its result', async () => {
    const question = user("What's the weather in Lisbon?")
    const tools = [weatherTool]
    const parts: string[] = []
    const first = await client.messages
      .stream({ ...common(), tools, messages: [question] })
      .on('inputJson', (part) => parts.push(part))
      .finalMessage()
    const [use, ...others] = first.content.filter((block) => block.type === 'tool_use')
    expect(others).toEqual([])
    expect(use).toMatchObject({ name: 'get_weather', input: { city: 'Lisbon' } })
    expect(first.stop_reason).toBe('tool_use')
    expect(parts.length).toBeGreaterThan(1)
    expect(JSON.parse(parts.join(''))).toEqual({ city: 'Lisbon' })

    const result = { city: 'Lisbon', temperature_c: 23, condition: 'sunny' }
    const second = await client.messages.create({
      ...common(),
      tools,
      messages: [
        question,
        { role: 'assistant', content: first.content },
        user([{ type: 'tool_result', tool_use_id: use!.id, content: JSON.stringify(result) }]),
      ],
    })
    expect(second.stop_reason).toBe('end_turn')
    expect(textOf(second)).toContain('23')
  })

  it('are held to a schema', async () => {
    const schema = {
      type: 'object',
      properties: { condition: { enum: ['sunny', 'rainy'] }, warm: { type: 'boolean' } },
      required: ['condition', 'warm'],
      additionalProperties: false,
    }
    const message = await client.messages.create({
      ...common(),
      messages: [user("What's the weather in Lisbon?")],
      output_config: { format: { type: 'json_schema', schema } },
    })
    expect(JSON.parse(textOf(message))).toEqual({
      condition: expect.stringMatching(/^(sunny|rainy)$/),
      warm: expect.any(Boolean),
    })
    expect(message.stop_reason).toBe('end_turn')
  })

  it.each([{ type: 'any' as const }, { type: 'tool' as const, name: 'get_weather' }])(
    'are held to the use of a tool: %j',
    async (choice) => {
      const message = await client.messages.create({
        ...common(),
        messages: [user('Hello!')],
        tools: [weatherTool],
        tool_choice: choice,
      })
      expect(message.stop_reason).toBe('tool_use')
      expect(message.content.filter(({ type }) => type === 'tool_use')).toMatchObject([
        { name: 'get_weather', input: { city: expect.any(String) } },
      ])
    },
  )

  it('are counted as they are computed', async () => {
    const prompt = {
      model: engine.model,
      system: 'You are a helpful assistant.',
      messages: [user("What's the weather in Lisbon?")],
      tools: [weatherTool],
    }
    const { input_tokens: counted } = await client.messages.countTokens(prompt)
    const { usage } = await client.messages.create({ ...common(), ...prompt, max_tokens: 1 })
    expect(counted).toBeGreaterThan(50)
    expect(usage).toMatchObject({ input_tokens: counted, output_tokens: 1 })
  })

  it('free the engine when the stream is aborted', async () => {
    const { numFinished: before } = await engine.stats()
    const stream = client.messages.stream({
      ...common(),
      messages: [user('What is 358 + 467?')],
    })
    stream.on('thinking', () => stream.abort())
    await expect(stream.finalMessage()).rejects.toThrow('aborted')
    await expect.poll(async () => (await engine.stats()).numRunning).toBe(0)
    expect((await engine.stats()).numFinished).toEqual({ ...before, abort: before.abort + 1 })
  })

  it('are refused in the package’s own errors', async () => {
    const messages = [user('Hello!')]
    const other = client.messages.create({ ...common(), model: 'other', messages })
    await expect(other).rejects.toBeInstanceOf(NotFoundError)
    const long = client.messages.create({ ...common(), messages: [user('long '.repeat(3000))] })
    await expect(long).rejects.toBeInstanceOf(BadRequestError)
    await expect(long).rejects.toThrow('maximum context length is 2048 tokens')
  })
})
