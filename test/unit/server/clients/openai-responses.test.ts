import OpenAI, { APIError, BadRequestError, NotFoundError } from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineError } from '../../../../src/errors.ts'
import { eos, type TestServerOptions } from '../fixtures.ts'
import {
  baseURL,
  collect,
  hermesCall,
  serve,
  thoughtful,
  twoCallsThenAnswer,
} from './client-fixtures.ts'

const connect = (options: TestServerOptions) => {
  const { server, fetch } = serve(options)
  return { server, client: new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, fetch }) }
}

const weather = {
  type: 'function' as const,
  name: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: false,
}
const thinking = { reasoningParser: 'qwen3' }
const calling = { toolParser: 'hermes' }

describe('the responses of the openai package, unmodified', () => {
  it('come whole', async () => {
    const { client } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const response = await client.responses.create({ model: 'tiny', input: 'hi' })
    expect(response).toMatchObject({ status: 'completed', output_text: 'Hello' })
    expect(response.usage).toMatchObject({ input_tokens: 18, output_tokens: 3, total_tokens: 21 })
  })

  it('come as events', async () => {
    const { client } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const body = { model: 'tiny', input: 'hi', stream: true } as const
    const events = await collect(await client.responses.create(body))
    const deltas = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    )
    expect(deltas).toEqual(['Hel', 'lo'])
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()])
  })

  it('are put together by the stream helper as they come whole', async () => {
    const { client } = connect({ scripts: [thoughtful, thoughtful], model: thinking })
    const body = { model: 'tiny', input: 'hi' }
    const whole = await client.responses.create(body)
    const streamed = await client.responses.stream(body).finalResponse()
    expect(whole.output_text).toBe('Four.')
    expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    const plain = ({ output }: typeof whole) => output.map((item) => ({ ...item, id: '' }))
    expect(plain(streamed)).toMatchObject(plain(whole))
    expect(streamed.usage).toEqual(whole.usage)
  })

  it('tell the text so far in the stream helper', async () => {
    const { client } = connect({ scripts: [thoughtful], model: thinking })
    const snapshots: string[] = []
    const stream = client.responses
      .stream({ model: 'tiny', input: 'hi' })
      .on('response.output_text.delta', ({ snapshot }) => snapshots.push(snapshot))
    await stream.finalResponse()
    expect(snapshots).toEqual(['Four', 'Four.'])
  })

  it('call tools, and go on with their results', async () => {
    const { client, server } = connect({ scripts: twoCallsThenAnswer, model: calling })
    const question = { role: 'user' as const, content: 'Oslo and Lima?' }
    const body = { model: 'tiny', tools: [weather] }
    const first = await client.responses.create({ ...body, input: [question] })
    const calls = first.output.filter((item) => item.type === 'function_call')
    expect(calls.map((call) => JSON.parse(call.arguments))).toEqual([
      { city: 'Oslo' },
      { city: 'Lima' },
    ])
    const results = calls.map(({ call_id }) => ({
      type: 'function_call_output' as const,
      call_id,
      output: '3',
    }))
    const second = await client.responses.create({
      ...body,
      input: [question, ...(first.output as OpenAI.Responses.ResponseInputItem[]), ...results],
    })
    expect(second.output_text).toBe('Oslo: 3°, Lima: 19°.')
    expect(server.templateInputs[1]?.messages).toMatchObject([
      { role: 'user', content: 'Oslo and Lima?' },
      {
        role: 'assistant',
        tool_calls: [
          { id: calls[0]?.call_id, function: { name: 'weather', arguments: { city: 'Oslo' } } },
          { id: calls[1]?.call_id, function: { name: 'weather', arguments: { city: 'Lima' } } },
        ],
      },
      { role: 'tool', content: '3', tool_call_id: calls[0]?.call_id },
      { role: 'tool', content: '3', tool_call_id: calls[1]?.call_id },
    ])
  })

  it('stream the arguments of calls', async () => {
    const pieces = [...hermesCall('weather', { city: 'Oslo' }), eos]
    const { client } = connect({ scripts: [{ pieces }], model: calling })
    const stream = client.responses.stream({ model: 'tiny', input: 'hi', tools: [weather] })
    const snapshots: string[] = []
    stream.on('response.function_call_arguments.delta', (event) => snapshots.push(event.snapshot))
    const { output } = await stream.finalResponse()
    expect(output).toMatchObject([{ type: 'function_call', name: 'weather' }])
    expect(snapshots.length).toBeGreaterThan(1)
    expect(JSON.parse(snapshots.at(-1) ?? '')).toEqual({ city: 'Oslo' })
  })

  it('are parsed by a schema', async () => {
    const pieces = ['{"city":', '"Oslo"}', eos]
    const { client, server } = connect({ scripts: [{ pieces }] })
    const response = await client.responses.parse({
      model: 'tiny',
      input: 'hi',
      text: { format: zodTextFormat(z.object({ city: z.string() }), 'place') },
    })
    expect(response.output_parsed).toEqual({ city: 'Oslo' })
    expect(server.engine.requests[0]?.tokenMask).toBeDefined()
  })

  it('are held to a tool that is named', async () => {
    const pieces = [...hermesCall('weather', { city: 'Oslo' }), eos]
    const { client, server } = connect({ scripts: [{ pieces }], model: calling })
    const { output } = await client.responses.create({
      model: 'tiny',
      input: 'hi',
      tools: [weather],
      tool_choice: { type: 'function', name: 'weather' },
    })
    expect(output).toMatchObject([{ type: 'function_call', name: 'weather' }])
    expect(server.engine.requests[0]?.tokenMask).toBeDefined()
  })

  it('are gone on with by their ids', async () => {
    const { client, server } = connect({
      scripts: [{ pieces: ['Ada.', eos] }, { pieces: ['You.', eos] }],
      serving: { enableResponsesStore: true },
    })
    const first = await client.responses.create({
      model: 'tiny',
      input: 'I am Ada',
      instructions: 'Be short.',
    })
    await client.responses.create({
      model: 'tiny',
      input: 'Who am I?',
      previous_response_id: first.id,
    })
    expect(server.templateInputs[1]?.messages).toMatchObject([
      { role: 'user', content: 'I am Ada' },
      { role: 'assistant', content: 'Ada.' },
      { role: 'user', content: 'Who am I?' },
    ])
    expect(await client.responses.retrieve(first.id)).toMatchObject({ output_text: 'Ada.' })
    const cancelled = client.responses.cancel(first.id)
    await expect(cancelled).rejects.toThrow('Cannot cancel a synchronous response.')
  })

  it('run in the background, and are followed from any event on', async () => {
    const { client } = connect({
      scripts: [{ pieces: ['a', 'b', eos] }],
      serving: { enableResponsesStore: true },
    })
    const { id, status } = await client.responses.create({
      model: 'tiny',
      input: 'hi',
      background: true,
    })
    expect(status).toBe('queued')
    const events = await collect(await client.responses.retrieve(id, { stream: true }))
    const later = await collect(
      await client.responses.retrieve(id, { stream: true, starting_after: 3 }),
    )
    expect(later).toEqual(events.slice(4))
    expect(await client.responses.retrieve(id)).toMatchObject({
      status: 'completed',
      output_text: 'ab',
    })
  })

  it('are cancelled in the background', async () => {
    const { client, server } = connect({
      scripts: [{ pieces: ['a'], end: 'hang' }],
      serving: { enableResponsesStore: true },
    })
    const body = { model: 'tiny', input: 'hi', background: true }
    const { id } = await client.responses.create(body)
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    expect(server.engine.running.size).toBe(0)
    expect((await client.responses.retrieve(id)).status).toBe('cancelled')
  })

  it('fail with the package’s own errors', async () => {
    const { client } = connect({
      scripts: [{ pieces: ['a'], end: new EngineError('internal', 'It broke.') }],
    })
    const body = { model: 'tiny', input: 'hi' }
    const unknown = client.responses.create({ ...body, model: 'other' })
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError)
    const lost = client.responses.create({ ...body, previous_response_id: 'resp_1' })
    await expect(lost).rejects.toThrow("Response with id 'resp_1' not found.")
    const forced = client.responses.create({ ...body, tool_choice: 'required' })
    await expect(forced).rejects.toBeInstanceOf(BadRequestError)
    const stream = client.responses.stream(body)
    await expect(stream.finalResponse()).rejects.toThrow(/It broke/)
    await expect(stream.finalResponse()).rejects.toBeInstanceOf(APIError)
  })

  it('free the engine when the loop is left', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a', 'b'], end: 'hang' }] })
    const body = { model: 'tiny', input: 'hi', stream: true } as const
    for await (const event of await client.responses.create(body)) {
      if (event.type === 'response.output_text.delta') break
    }
    expect(server.engine.running.size).toBe(0)
  })
})
