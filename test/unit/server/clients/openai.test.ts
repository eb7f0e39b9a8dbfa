import OpenAI, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
} from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineError } from '../../../../src/errors.ts'
import { eos, type TestServerOptions } from '../fixtures.ts'
import {
  baseURL,
  collect,
  degrees,
  embedded,
  hermesCall,
  serve,
  serveEmbeddings,
  thoughtful,
  twoCallsThenAnswer,
} from './client-fixtures.ts'

const connect = (options: TestServerOptions) => {
  const { server, fetch } = serve(options)
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, fetch })
  return { client, server }
}

const messages = [{ role: 'user' as const, content: 'hi' }]
const body = { model: 'tiny', messages }
const cityParameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
}
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: cityParameters },
}
const hermes = { toolParser: 'hermes' }

const callsOf = ({ choices }: OpenAI.ChatCompletion) =>
  choices[0]?.message.tool_calls?.map((call) => call.type === 'function' && call.function)

/** A tool for `runTools`, which notes the cities. */
const runnableWeather = (called: string[]) => ({
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'Degrees in a city.',
    parameters: cityParameters,
    parse: (text: string): { city: string } => JSON.parse(text),
    function: ({ city }: { city: string }) => {
      called.push(city)
      return { degrees: degrees[city] }
    },
  },
})

describe('chat.completions.create', () => {
  it('gets a whole answer', async () => {
    const { client } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const { choices, usage, object } = await client.chat.completions.create(body)
    expect(object).toBe('chat.completion')
    expect(choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'Hello', refusal: null },
    })
    expect(usage).toMatchObject({ prompt_tokens: 18, completion_tokens: 3, total_tokens: 21 })
  })

  it('streams', async () => {
    const { client } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const chunks = await collect(
      await client.chat.completions.create({
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Hello')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 21 } })
  })

  it('gets several choices', async () => {
    const { client } = connect({ scripts: [{ pieces: ['a', eos] }, { pieces: ['b', eos] }] })
    const { choices } = await client.chat.completions.create({ ...body, n: 2 })
    expect(choices.map(({ message }) => message.content)).toEqual(['a', 'b'])
  })

  it('gets log probabilities', async () => {
    const { client } = connect({ scripts: [{ pieces: ['a', eos] }] })
    const chat = await client.chat.completions.create({ ...body, logprobs: true, top_logprobs: 3 })
    const [entry] = chat.choices[0]?.logprobs?.content ?? []
    expect(entry?.token).toBe('a')
    expect(entry?.top_logprobs).toHaveLength(3)
  })

  it('gets reasoning beside the answer', async () => {
    const { client } = connect({ scripts: [thoughtful], model: { reasoningParser: 'qwen3' } })
    const { choices, usage } = await client.chat.completions.create(body)
    expect(choices[0]?.message).toMatchObject({ content: 'Four.', reasoning: 'Two and two.' })
    expect(usage?.completion_tokens_details?.reasoning_tokens).toBe(2)
  })

  it('passes on the fields that only vLLM knows', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a', eos] }] })
    const extended = { ...body, top_k: 5, chat_template_kwargs: { enable_thinking: false } }
    await client.chat.completions.create(extended)
    expect(server.engine.requests[0]?.samplingParams.topK).toBe(5)
    expect(server.templateInputs[0]?.kwargs).toEqual({ enable_thinking: false })
  })

  it('leaves a stream by its loop, and the request is freed', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a', 'b'], end: 'hang' }] })
    const stream = await client.chat.completions.create({ ...body, stream: true })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'a') break
    expect(server.engine.running.size).toBe(0)
  })

  it('aborts a whole answer', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const abort = new AbortController()
    const answer = client.chat.completions.create(body, { signal: abort.signal })
    setTimeout(() => abort.abort(), 5)
    await expect(answer).rejects.toBeInstanceOf(APIUserAbortError)
    expect(server.engine.running.size).toBe(0)
  })
})

describe('chat.completions.stream', () => {
  it('tells content in events and sums it up', async () => {
    const { client } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const snapshots: string[] = []
    const stream = client.chat.completions
      .stream({ ...body, logprobs: true, stream_options: { include_usage: true } })
      .on('content', (_, snapshot) => snapshots.push(snapshot))
    expect(await stream.finalContent()).toBe('Hello')
    expect(snapshots).toEqual(['Hel', 'Hello', 'Hello'])
    expect((await stream.totalUsage()).total_tokens).toBe(21)
    const { choices } = await stream.finalChatCompletion()
    expect(choices[0]?.finish_reason).toBe('stop')
    expect(choices[0]?.logprobs?.content?.map(({ token }) => token)).toEqual(['Hel', 'lo', eos])
  })

  it('tells the arguments of tool calls as they come', async () => {
    const pieces = ['Ok.', ...hermesCall('weather', { city: 'Oslo' }), eos]
    const { client } = connect({ scripts: [{ pieces }], model: hermes })
    const deltas: string[] = []
    const done: string[] = []
    const stream = client.chat.completions
      .stream({ ...body, tools: [weather] })
      .on('tool_calls.function.arguments.delta', (event) => deltas.push(event.arguments_delta))
      .on('tool_calls.function.arguments.done', (event) =>
        done.push(`${event.index} ${event.name}`, event.arguments),
      )
    const { choices } = await stream.finalChatCompletion()
    expect(deltas.filter((delta) => delta !== '').length).toBeGreaterThan(1)
    expect(deltas.join('')).toBe('{"city":"Oslo"}')
    expect(done).toEqual(['0 weather', '{"city":"Oslo"}'])
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'Ok.',
        tool_calls: [{ function: { name: 'weather', arguments: '{"city":"Oslo"}' } }],
      },
    })
  })

  it('gives the same message as a whole answer does', async () => {
    const { pieces } = twoCallsThenAnswer[0]!
    const { client } = connect({ scripts: [{ pieces }, { pieces }], model: hermes })
    const asked = { ...body, tools: [weather] }
    const whole = callsOf(await client.chat.completions.create(asked))
    const stream = client.chat.completions.stream(asked)
    expect(callsOf(await stream.finalChatCompletion())).toMatchObject(whole ?? [])
    expect(whole).toEqual([
      { name: 'weather', arguments: '{"city":"Oslo"}' },
      { name: 'weather', arguments: '{"city":"Lima"}' },
    ])
  })

  it('aborts', async () => {
    const { client, server } = connect({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const stream = client.chat.completions.stream(body)
    stream.on('content', (_, snapshot) => snapshot === 'a' && stream.abort())
    await expect(stream.finalContent()).rejects.toBeInstanceOf(APIUserAbortError)
    expect(server.engine.running.size).toBe(0)
  })
})

describe('chat.completions.runTools', () => {
  it.each([false, true])('calls, sends results and gets the answer; stream: %s', async (stream) => {
    const { client, server } = connect({ scripts: twoCallsThenAnswer, model: hermes })
    const called: string[] = []
    const asked = { ...body, tools: [runnableWeather(called)] }
    const runner = stream
      ? client.chat.completions.runTools({ ...asked, stream })
      : client.chat.completions.runTools(asked)
    expect(await runner.finalContent()).toBe('Oslo: 3°, Lima: 19°.')
    expect(called).toEqual(['Oslo', 'Lima'])

    const [, followUp] = server.templateInputs
    expect(followUp?.messages).toMatchObject([
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        tool_calls: [
          { function: { name: 'weather', arguments: { city: 'Oslo' } } },
          { function: { name: 'weather', arguments: { city: 'Lima' } } },
        ],
      },
      { role: 'tool', content: '{"degrees":3}' },
      { role: 'tool', content: '{"degrees":19}' },
    ])
    const [, answer, ...results] = followUp?.messages ?? []
    const callIds = Array.isArray(answer?.['tool_calls'])
      ? answer['tool_calls'].map(({ id }) => id)
      : []
    expect(new Set(callIds).size).toBe(2)
    expect(results.map((result) => result['tool_call_id'])).toEqual(callIds)
  })
})

describe('chat.completions.parse', () => {
  const place = z.object({ city: z.string(), degrees: z.number() })

  it('reads an answer by its schema', async () => {
    const { client } = connect({
      scripts: [{ pieces: ['{"city": "Os', 'lo", "degrees": 3}', eos] }],
    })
    const { choices } = await client.chat.completions.parse({
      ...body,
      response_format: zodResponseFormat(place, 'place'),
    })
    expect(choices[0]?.message.parsed).toEqual({ city: 'Oslo', degrees: 3 })
  })

  it('reads a stream by its schema', async () => {
    const { client } = connect({
      scripts: [{ pieces: ['{"city": "Os', 'lo", "degrees": 3}', eos] }],
    })
    const snapshots: unknown[] = []
    const stream = client.chat.completions
      .stream({ ...body, response_format: zodResponseFormat(place, 'place') })
      .on('content.delta', ({ parsed }) => snapshots.push(parsed))
    const { choices } = await stream.finalChatCompletion()
    expect(choices[0]?.message.parsed).toEqual({ city: 'Oslo', degrees: 3 })
    expect(snapshots[0]).toEqual({ city: 'Os' })
  })

  it('reads the arguments of tools by their schemas', async () => {
    const pieces = [...hermesCall('weather', { city: 'Oslo' }), eos]
    const { client } = connect({ scripts: [{ pieces }, { pieces }], model: hermes })
    const tools = [zodFunction({ name: 'weather', parameters: place.pick({ city: true }) })]
    const auto = await client.chat.completions.parse({ ...body, tools })
    const required = await client.chat.completions.parse({
      ...body,
      tools,
      tool_choice: 'required',
    })
    for (const { choices } of [auto, required]) {
      const [call] = choices[0]?.message.tool_calls ?? []
      expect(call?.function.parsed_arguments).toEqual({ city: 'Oslo' })
    }
    const choice = { type: 'function' as const, function: { name: 'weather' } }
    const other = connect({ scripts: [{ pieces }], model: hermes })
    const named = await other.client.chat.completions.parse({ ...body, tools, tool_choice: choice })
    expect(named.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { tool_calls: [{ function: { parsed_arguments: { city: 'Oslo' } } }] },
    })
  })
})

describe('other endpoints', () => {
  it('completes text, whole and streamed', async () => {
    const script = { pieces: ['x', 'y', eos] }
    const { client } = connect({ scripts: [script, script] })
    const asked = { model: 'tiny', prompt: 'ab', logprobs: 1 }
    const whole = await client.completions.create(asked)
    expect(whole.choices[0]).toMatchObject({ text: 'xy', finish_reason: 'stop' })
    expect(whole.choices[0]?.logprobs?.tokens).toEqual(['x', 'y', eos])
    const chunks = await collect(await client.completions.create({ ...asked, stream: true }))
    expect(chunks.map(({ choices }) => choices[0]?.text).join('')).toBe('xy')
  })

  it('embeds texts, which it asks for in base64', async () => {
    const client = new OpenAI({ baseURL, apiKey: 'none', fetch: serveEmbeddings() })
    const { data, usage } = await client.embeddings.create({ model: 'tiny', input: ['abc', 'de'] })
    expect(data.map(({ embedding }) => embedding)).toEqual(embedded)
    expect(usage.total_tokens).toBe(5)
  })

  it('lists models', async () => {
    const { client } = connect({})
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['tiny'])
  })
})

describe('errors', () => {
  it('come as the client’s own classes', async () => {
    const { client } = connect({})
    const create = client.chat.completions.create.bind(client.chat.completions)
    const unknown = create({ model: 'other', messages })
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError)
    await expect(unknown).rejects.toThrow('The model `other` does not exist.')
    const refused = create({ ...body, temperature: 3 })
    await expect(refused).rejects.toBeInstanceOf(BadRequestError)
    await expect(refused).rejects.toMatchObject({ param: 'temperature', type: 'BadRequestError' })
  })

  it('come as an AuthenticationError without the key', async () => {
    const { client } = connect({ serving: { apiKey: 'open sesame' } })
    await expect(client.models.list()).rejects.toBeInstanceOf(AuthenticationError)
    const models = await client.withOptions({ apiKey: 'open sesame' }).models.list()
    expect(models.data).toHaveLength(1)
  })

  it('end a stream that has begun', async () => {
    const end = new EngineError('device-lost', 'The GPU is gone.')
    const { client } = connect({ scripts: [{ pieces: ['a'], end }] })
    const stream = await client.chat.completions.create({ ...body, stream: true })
    const got = collect(stream)
    await expect(got).rejects.toBeInstanceOf(APIError)
    await expect(got).rejects.toThrow('The GPU is gone.')
  })
})
