import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createEngine, type Engine } from '../../src/index.ts'

// The responses of the openai package as it comes from npm, by the real engine in its worker.

type InputItem = OpenAI.Responses.ResponseInputItem
type Response = OpenAI.Responses.Response

let engine: Engine
let client: OpenAI
beforeAll(async () => {
  engine = await createEngine({ model: '/starter-model/', enableResponsesStore: true })
  client = new OpenAI({
    baseURL: engine.baseURL,
    apiKey: 'none',
    fetch: engine.fetch,
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
  })
})
afterAll(() => engine?.dispose())

const common = () => ({ model: engine.model, temperature: 0, max_output_tokens: 200 })

const weatherTool: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  description: 'Current weather in a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'Name of the city' } },
    required: ['city'],
  },
  strict: false,
}

const say = (content: string) => ({ role: 'user' as const, content })

const callsOf = ({ output }: Response) => output.filter((item) => item.type === 'function_call')

/** Ids differ from answer to answer. */
const withoutIds = ({ output }: Response) => output.map((item) => ({ ...item, id: '' }))

describe('responses', () => {
  it('come whole, with their usage', async () => {
    const response = await client.responses.create({
      ...common(),
      input: 'What is a quire?',
      metadata: { topic: 'paper' },
    })
    expect(response.output_text).toContain('Quire is an LLM engine')
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      temperature: 0,
      metadata: { topic: 'paper' },
    })
    const { input_tokens: input, output_tokens: output, total_tokens: total } = response.usage!
    expect(output).toBeGreaterThan(5)
    expect(input + output).toBe(total)
  })

  it('are incomplete where they are cut off', async () => {
    const response = await client.responses.create({
      ...common(),
      max_output_tokens: 16,
      input: 'What is a quire?',
    })
    expect(response.status).toBe('incomplete')
    expect(response.incomplete_details).toEqual({ reason: 'max_output_tokens' })
    expect(response.usage?.output_tokens).toBe(16)
  })

  it('stream thoughts and text apart, and come to what comes whole', async () => {
    const body = { ...common(), input: 'What is 27 + 45?' }
    const kinds: string[] = []
    const snapshots: string[] = []
    const stream = client.responses
      .stream(body)
      .on('event', ({ type }) => kinds.push(type))
      .on('response.output_text.delta', ({ snapshot }) => snapshots.push(snapshot))
    const streamed = await stream.finalResponse()
    expect(streamed.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect(streamed.output_text).toContain('72')
    expect(JSON.stringify(streamed.output[0])).toContain('72')
    expect(JSON.stringify(streamed.output)).not.toContain('think>')
    expect(snapshots.at(-1)).toBe(streamed.output_text)
    expect(snapshots.length).toBeGreaterThan(2)
    expect(kinds.at(0)).toBe('response.created')
    expect(kinds.at(-1)).toBe('response.completed')
    expect(kinds.filter((kind) => kind === 'response.reasoning_text.delta').length).toBeGreaterThan(
      3,
    )
    const whole = await client.responses.create(body)
    expect(withoutIds(streamed)).toMatchObject(withoutIds(whole))
    expect(streamed.usage?.output_tokens).toBe(whole.usage?.output_tokens)
    expect(whole.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(3)
  })

  it('call a tool, and go on with its result', async () => {
    const question = say("What's the weather in Lisbon?")
    const tools = [weatherTool]
    const asked: string[] = []
    const first = await client.responses
      .stream({ ...common(), tools, input: [question] })
      .on('response.function_call_arguments.delta', ({ snapshot }) => asked.push(snapshot))
      .finalResponse()
    const [call, ...others] = callsOf(first)
    expect(others).toEqual([])
    expect(call?.name).toBe('get_weather')
    expect(JSON.parse(call!.arguments)).toEqual({ city: 'Lisbon' })
    expect(asked.length).toBeGreaterThan(1)
    expect(asked.at(-1)).toBe(call!.arguments)

    const result = { city: 'Lisbon', temperature_c: 23, condition: 'sunny' }
    const output = { type: 'function_call_output' as const, call_id: call!.call_id }
    const second = await client.responses.create({
      ...common(),
      tools,
      input: [
        question,
        ...(first.output as InputItem[]),
        { ...output, output: JSON.stringify(result) },
      ],
    })
    expect(second.output_text).toContain('23')
    expect(callsOf(second)).toEqual([])
  })

  it('are parsed by a schema', async () => {
    const report = z.object({ condition: z.enum(['sunny', 'rainy']), warm: z.boolean() })
    const response = await client.responses.parse({
      ...common(),
      input: "What's the weather in Lisbon?",
      text: { format: zodTextFormat(report, 'report') },
    })
    expect(report.parse(response.output_parsed)).toEqual(JSON.parse(response.output_text))
    expect(response.status).toBe('completed')
  })

  it.each(['required' as const, { type: 'function' as const, name: 'get_weather' }])(
    'are held to a call: %j',
    async (choice) => {
      const response = await client.responses.create({
        ...common(),
        input: 'Hello!',
        tools: [weatherTool],
        tool_choice: choice,
      })
      const [call] = callsOf(response)
      expect(call?.name).toBe('get_weather')
      expect(JSON.parse(call!.arguments)).toEqual({ city: expect.any(String) })
    },
  )

  it('take instructions, and whole conversations', async () => {
    const input = [
      say('My name is Ada.'),
      { role: 'assistant' as const, content: 'Nice to meet you, Ada!' },
      say("What's my name?"),
    ]
    const instructions = 'You are a helpful assistant.'
    const response = await client.responses.create({ ...common(), instructions, input })
    expect(response.output_text).toContain('Ada')
    expect(response.instructions).toBe(instructions)
  })
})

describe('responses that are kept', () => {
  it('are gone on with by their ids, and found again', async () => {
    const first = await client.responses.create({ ...common(), input: 'My name is Ada.' })
    const second = await client.responses
      .stream({ ...common(), input: "What's my name?", previous_response_id: first.id })
      .finalResponse()
    expect(second.output_text).toContain('Ada')
    expect(second.previous_response_id).toBe(first.id)
    expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(0)
    expect(await client.responses.retrieve(second.id)).toMatchObject({
      id: second.id,
      status: 'completed',
      output_text: second.output_text,
    })
  })

  it('go on with calls by their ids', async () => {
    const tools = [weatherTool]
    const first = await client.responses.create({
      ...common(),
      tools,
      input: "What's the weather in Lisbon?",
    })
    const [call] = callsOf(first)
    const result = { city: 'Lisbon', temperature_c: 23, condition: 'sunny' }
    const second = await client.responses.create({
      ...common(),
      tools,
      previous_response_id: first.id,
      input: [
        {
          type: 'function_call_output',
          call_id: call!.call_id,
          output: JSON.stringify(result),
        },
      ],
    })
    expect(second.output_text).toContain('23')
  })

  it('run in the background, and are read from any event on', async () => {
    const started = await client.responses.create({
      ...common(),
      input: 'What is a quire?',
      background: true,
    })
    expect(started).toMatchObject({ status: 'queued', background: true, output: [] })
    await expect
      .poll(async () => (await client.responses.retrieve(started.id)).status)
      .toBe('completed')
    const { output_text: text } = await client.responses.retrieve(started.id)
    expect(text).toContain('Quire is an LLM engine')
    const read = async (from?: number) => {
      const at = from === undefined ? {} : { starting_after: from }
      const stream = await client.responses.retrieve(started.id, { stream: true, ...at })
      const events: OpenAI.Responses.ResponseStreamEvent[] = []
      for await (const event of stream) events.push(event)
      return events
    }
    const events = await read()
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()])
    expect(
      events
        .flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []))
        .join(''),
    ).toBe(text)
    expect(await read(4)).toEqual(events.slice(5))
  })

  it('free the engine when they are cancelled', async () => {
    const endless = { ignore_eos: true, max_output_tokens: 1500 }
    const { numFinished: before } = await engine.stats()
    const started = await client.responses.create({
      ...common(),
      ...endless,
      input: 'Hello!',
      background: true,
    })
    await expect.poll(async () => (await engine.stats()).numRunning).toBe(1)
    expect((await client.responses.cancel(started.id)).status).toBe('cancelled')
    await expect.poll(async () => (await engine.stats()).numRunning).toBe(0)
    expect((await client.responses.retrieve(started.id)).status).toBe('cancelled')
    expect((await engine.stats()).numFinished).toEqual({ ...before, abort: before.abort + 1 })
  })
})
