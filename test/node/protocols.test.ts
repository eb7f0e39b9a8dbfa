import { spawn } from 'node:child_process'
import Anthropic, { AuthenticationError as AnthropicAuthenticationError } from '@anthropic-ai/sdk'
import OpenAI, { AuthenticationError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../src/node/create-engine.ts'
import { type HttpServer, serve } from '../../src/node/serve.ts'
import type { Engine } from '../../src/worker/engine-client.ts'
import {
  buildCli,
  type Cli,
  missingProgram,
  postJson,
  readAborted,
  type Server,
  starterModel,
  startServer,
} from './cli.ts'

// The protocols besides OpenAI's completions, through the built command and real HTTP.

const apiKey = 'secret'
const bearer = { authorization: `Bearer ${apiKey}` }

let cli: Cli
let server: Server

beforeAll(async () => {
  cli = await buildCli()
  server = await startServer(cli, [
    '--served-model-name',
    'starter',
    '--api-key',
    apiKey,
    '--enable-responses-store',
  ])
})

afterAll(async () => {
  await server?.stop()
  await cli?.remove()
})

const connectOpenAI = (key = apiKey, baseURL = server.url) =>
  new OpenAI({ baseURL, apiKey: key, maxRetries: 0 })

const connectAnthropic = (key = apiKey) =>
  new Anthropic({ baseURL: new URL(server.url).origin, apiKey: key, maxRetries: 0 })

const parameters = {
  type: 'object' as const,
  properties: { city: { type: 'string', description: 'Name of the city' } },
  required: ['city'],
}
const description = 'Current weather in a city.'
const weather = JSON.stringify({ city: 'Lisbon', temperature_c: 23, condition: 'sunny' })
const weatherQuestion = { role: 'user' as const, content: "What's the weather in Lisbon?" }
const quireQuestion = { role: 'user' as const, content: 'What is a quire?' }

describe('responses over HTTP', () => {
  const common = { model: 'starter', temperature: 0, max_output_tokens: 200 }
  const tools: OpenAI.Responses.FunctionTool[] = [
    { type: 'function', name: 'get_weather', description, parameters, strict: false },
  ]

  it('come whole and as events, the same', async () => {
    const client = connectOpenAI()
    const body = { ...common, input: 'What is 27 + 45?' }
    const whole = await client.responses.create(body)
    const streamed = await client.responses.stream(body).finalResponse()
    expect(whole.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect(whole.output_text).toContain('72')
    expect(streamed.output_text).toBe(whole.output_text)
  })

  it('are kept where the command is told to', async () => {
    const client = connectOpenAI()
    const { id } = await client.responses.create({ ...common, input: 'Hello!' })
    expect((await client.responses.retrieve(id)).status).toBe('completed')
  })

  it('call a tool, and go on with its result', async () => {
    const client = connectOpenAI()
    const first = await client.responses
      .stream({ ...common, tools, input: [weatherQuestion] })
      .finalResponse()
    const call = first.output.find((item) => item.type === 'function_call')
    expect(JSON.parse(call!.arguments)).toEqual({ city: 'Lisbon' })
    const second = await client.responses.create({
      ...common,
      tools,
      input: [
        weatherQuestion,
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        { type: 'function_call_output', call_id: call!.call_id, output: weather },
      ],
    })
    expect(second.output_text).toContain('23')
  })
})

describe('messages over HTTP', () => {
  const common = { model: 'starter', temperature: 0, max_tokens: 200 }
  const tools: Anthropic.Tool[] = [{ name: 'get_weather', description, input_schema: parameters }]

  it('come whole and as events, the same, and are counted', async () => {
    const client = connectAnthropic()
    const body = { ...common, messages: [{ role: 'user' as const, content: 'What is 27 + 45?' }] }
    const whole = await client.messages.create(body)
    const streamed = await client.messages.stream(body).finalMessage()
    expect(whole.content.map(({ type }) => type)).toEqual(['thinking', 'text'])
    expect(whole.content).toMatchObject([
      { thinking: expect.stringContaining('72') },
      { text: expect.stringContaining('72') },
    ])
    expect(streamed.content[1]).toEqual(whole.content[1])
    const { model, messages } = body
    const count = await client.messages.countTokens({ model, messages })
    expect(count.input_tokens).toBe(whole.usage.input_tokens)
  })

  it('use a tool, and go on with its result', async () => {
    const client = connectAnthropic()
    const first = await client.messages
      .stream({ ...common, tools, messages: [weatherQuestion] })
      .finalMessage()
    const use = first.content.find((block) => block.type === 'tool_use')
    expect(use).toMatchObject({ name: 'get_weather', input: { city: 'Lisbon' } })
    const second = await client.messages.create({
      ...common,
      tools,
      messages: [
        weatherQuestion,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: use!.id, content: weather }],
        },
      ],
    })
    expect(second.content.at(-1)).toMatchObject({ text: expect.stringContaining('23') })
  })
})

describe('the key', () => {
  it('is asked of both protocols, in the same words', async () => {
    for (const path of ['responses', 'responses/resp_1', 'messages', 'messages/count_tokens']) {
      const refused = await postJson(`${server.url}/${path}`, {})
      expect([refused.status, await refused.text()]).toEqual([401, '{"error":"Unauthorized"}'])
    }
  })

  it('makes the packages throw their own errors', async () => {
    const responses = connectOpenAI('other').responses.create({ model: 'starter', input: 'Hello!' })
    await expect(responses).rejects.toBeInstanceOf(AuthenticationError)
    const body = { model: 'starter', max_tokens: 9, messages: [quireQuestion] }
    const messages = connectAnthropic('other').messages.create(body)
    await expect(messages).rejects.toBeInstanceOf(AnthropicAuthenticationError)
  })

  // Older versions of Anthropic's package send this header for an `apiKey`, and a bearer token where
  // they are given an `authToken`.
  it('is a bearer token, as with vLLM, and no x-api-key', async () => {
    const body = { model: 'starter', max_tokens: 9, messages: [quireQuestion] }
    const post = (headers: Record<string, string>) =>
      postJson(`${server.url}/messages`, body, { headers })
    expect((await post({ 'x-api-key': apiKey })).status).toBe(401)
    expect((await post(bearer)).status).toBe(200)
  })
})

const curl = missingProgram('curl', ['--version'], 'curl')

/** What curl wrote, piece by piece. */
const runCurl = (path: string, body: object) =>
  new Promise<string[]>((resolve) => {
    const headers = { 'content-type': 'application/json', ...bearer }
    const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    const child = spawn('curl', [
      '-sN',
      `${server.url}${path}`,
      ...given,
      '-d',
      JSON.stringify(body),
    ])
    const pieces: string[] = []
    child.stdout.on('data', (chunk) => pieces.push(String(chunk)))
    child.on('close', () => resolve(pieces))
  })

type Frame = { readonly event: string; readonly data: { readonly type: string } }

/** @throws Error where a frame is not an event's name and its JSON. */
const toFrames = (text: string): Frame[] =>
  text
    .replace(/\n\n$/, '')
    .split('\n\n')
    .map((frame) => {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? []
      return { event, data: JSON.parse(data) }
    })

const common = { model: 'starter', temperature: 0, stream: true }

describe('curl -N', () => {
  it.skipIf(curl).each([
    {
      path: '/responses',
      body: { ...common, input: 'What is 27 + 45?' },
      first: 'response.created',
      last: 'response.completed',
    },
    {
      path: '/messages',
      body: {
        ...common,
        max_tokens: 200,
        messages: [{ role: 'user', content: 'What is 27 + 45?' }],
      },
      first: 'message_start',
      last: 'message_stop',
    },
  ])('shows the events of $path as they come', async ({ path, body, first, last }) => {
    const pieces = await runCurl(path, body)
    expect(pieces.length).toBeGreaterThan(10)
    const frames = toFrames(pieces.join(''))
    expect(frames.map(({ event }) => event)).toEqual(frames.map(({ data }) => data.type))
    expect([frames.at(0)?.event, frames.at(-1)?.event]).toEqual([first, last])
  })
})

/** Thought through in a hundred tokens. */
const longSum = 'What is 358 + 467?'

describe('a client that goes away', () => {
  it.each([
    ['/responses', { ...common, input: longSum }],
    ['/messages', { ...common, max_tokens: 200, messages: [{ role: 'user', content: longSum }] }],
  ])('frees its sequence at once: %s', async (path, body) => {
    const before = await readAborted(server.url)
    const client = new AbortController()
    const { signal } = client
    const answer = await postJson(`${server.url}${path}`, body, { signal, headers: bearer })
    await answer.body!.getReader().read()
    client.abort()
    await expect.poll(() => readAborted(server.url)).toBe(before + 1)
  })
})

describe('a server that keeps responses', () => {
  let engine: Engine
  let http: HttpServer
  beforeAll(async () => {
    engine = await createEngine({ model: starterModel, enableResponsesStore: true })
    http = await serve(engine.fetch, { port: 0 })
  })
  afterAll(async () => {
    await http?.close()
    await engine?.dispose()
  })

  const connect = () => connectOpenAI('none', `${http.url}/v1`)
  const asked = () => ({ model: engine.model, temperature: 0, max_output_tokens: 200 })

  it('goes on with them by their ids', async () => {
    const client = connect()
    const first = await client.responses.create({ ...asked(), input: 'My name is Ada.' })
    const second = await client.responses.create({
      ...asked(),
      input: "What's my name?",
      previous_response_id: first.id,
    })
    expect(second.output_text).toContain('Ada')
    expect((await client.responses.retrieve(second.id)).output_text).toBe(second.output_text)
  })

  it('runs them in the background, also when nobody reads', async () => {
    const client = connect()
    const body = { ...asked(), input: 'What is a quire?', background: true, stream: true } as const
    let id = ''
    for await (const event of await client.responses.create(body)) {
      if (event.type !== 'response.created') break
      id = event.response.id
    }
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('completed')
    const { output_text: text } = await client.responses.retrieve(id)
    expect(text).toContain('Quire is an LLM engine')
    let streamed = ''
    for await (const event of await client.responses.retrieve(id, { stream: true })) {
      if (event.type === 'response.output_text.delta') streamed += event.delta
    }
    expect(streamed).toBe(text)
  })

  it('cancels them', async () => {
    const client = connect()
    const endless = { ignore_eos: true, max_output_tokens: 1900 }
    const body = { ...asked(), ...endless, input: 'Hello!', background: true }
    const { id } = await client.responses.create(body)
    const numRunning = async () => (await engine.stats()).numRunning
    await expect.poll(numRunning).toBe(1)
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    await expect.poll(numRunning).toBe(0)
    expect((await engine.stats()).numFinished.abort).toBe(1)
  })
})
