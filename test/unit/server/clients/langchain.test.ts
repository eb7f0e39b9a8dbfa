import { HumanMessage, ToolMessage, type AIMessageChunk } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, type ChatOpenAIFields, OpenAIEmbeddings } from '@langchain/openai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eos, type TestServerOptions } from '../fixtures.ts'
import {
  baseURL,
  collect,
  degrees,
  embedded,
  hermesCall,
  serve,
  serveEmbeddings,
  twoCallsThenAnswer,
} from './client-fixtures.ts'

const connect = (options: TestServerOptions, fields: Partial<ChatOpenAIFields> = {}) => {
  const { server, fetch } = serve(options)
  const model = new ChatOpenAI({
    ...fields,
    model: 'tiny',
    apiKey: 'none',
    maxRetries: 0,
    configuration: { baseURL, fetch },
  })
  return { server, model }
}

const hermes = { toolParser: 'hermes' }

const weather = tool(({ city }: { city: string }) => `${degrees[city]}°`, {
  name: 'weather',
  description: 'Degrees in a city.',
  schema: z.object({ city: z.string() }),
})

const answerWith = async (
  options: TestServerOptions,
  call: (
    model: ReturnType<ChatOpenAI['bindTools']>,
    messages: (HumanMessage | AIMessageChunk | ToolMessage)[],
  ) => Promise<AIMessageChunk>,
) => {
  const { model, server } = connect(options)
  const bound = model.bindTools([weather])
  const question = new HumanMessage('hi')
  const asking = await call(bound, [question])
  const results = await Promise.all(
    (asking.tool_calls ?? []).map((toolCall) => weather.invoke(toolCall)),
  )
  const answer = await call(bound, [question, asking, ...results])
  return { asking, answer, server }
}

describe('ChatOpenAI', () => {
  it('invokes', async () => {
    const { model } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos], numCachedTokens: 16 }] })
    const message = await model.invoke('hi')
    expect(message.content).toBe('Hello')
    expect(message.response_metadata).toMatchObject({ finish_reason: 'stop' })
    expect(message.usage_metadata).toMatchObject({
      input_tokens: 18,
      output_tokens: 3,
      total_tokens: 21,
      input_token_details: { cache_read: 16 },
    })
  })

  it('streams', async () => {
    const { model } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const chunks = await collect(await model.stream('hi'))
    expect(chunks.map(({ content }) => content).filter(Boolean)).toEqual(['Hel', 'lo'])
    const whole = chunks.reduce((a, b) => a.concat(b))
    expect(whole).toMatchObject({
      usage_metadata: { total_tokens: 21 },
      response_metadata: { finish_reason: 'stop' },
    })
  })

  it('passes on the fields that only vLLM knows', async () => {
    const modelKwargs = { top_k: 5, chat_template_kwargs: { enable_thinking: false } }
    const { model, server } = connect({ scripts: [{ pieces: ['a', eos] }] }, { modelKwargs })
    await model.invoke('hi')
    expect(server.engine.requests[0]?.samplingParams.topK).toBe(5)
    expect(server.templateInputs[0]?.kwargs).toEqual({ enable_thinking: false })
  })

  it('answers a batch', async () => {
    const { model } = connect({ scripts: [{ pieces: ['a', eos] }, { pieces: ['b', eos] }] })
    const messages = await model.batch(['x', 'y'])
    expect(new Set(messages.map(({ content }) => content))).toEqual(new Set(['a', 'b']))
  })

  it.each([
    ['invoked', (model, messages) => model.invoke(messages)],
    [
      'streamed',
      async (model, messages) =>
        (await collect(await model.stream(messages))).reduce((a, b) => a.concat(b)),
    ],
  ] satisfies [string, Parameters<typeof answerWith>[1]][])(
    'calls bound tools and answers with their results, %s',
    async (_, call) => {
      const options = { scripts: twoCallsThenAnswer, model: hermes }
      const { asking, answer, server } = await answerWith(options, call)
      expect(asking.tool_calls?.map(({ name, args }) => [name, args])).toEqual([
        ['weather', { city: 'Oslo' }],
        ['weather', { city: 'Lima' }],
      ])
      expect(asking.response_metadata['finish_reason']).toBe('tool_calls')
      expect(answer.content).toBe('Oslo: 3°, Lima: 19°.')
      expect(server.templateInputs[1]?.messages).toMatchObject([
        { role: 'user', content: 'hi' },
        { role: 'assistant', tool_calls: [{ function: { arguments: { city: 'Oslo' } } }, {}] },
        { role: 'tool', content: '3°', tool_call_id: asking.tool_calls?.[0]?.id },
        { role: 'tool', content: '19°', tool_call_id: asking.tool_calls?.[1]?.id },
      ])
    },
  )

  it('throws a refusal with its status', async () => {
    const { model } = connect({})
    await expect(model.invoke('hi', { stop: ['a', 'b', 'c', 'd', 'e'] })).rejects.toMatchObject({
      status: 400,
      param: 'stop',
    })
  })

  it('aborts', async () => {
    const { model, server } = connect({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const abort = new AbortController()
    const stream = await model.stream('hi', { signal: abort.signal })
    const read = async () => {
      for await (const { content } of stream) if (content === 'a') abort.abort()
    }
    await expect(read()).rejects.toThrow(/abort/i)
    await expect.poll(() => server.engine.running.size).toBe(0)
  })
})

describe('withStructuredOutput', () => {
  const place = z.object({ city: z.string(), degrees: z.number() })
  const oslo = { city: 'Oslo', degrees: 3 }
  const json = [JSON.stringify(oslo).slice(0, 9), JSON.stringify(oslo).slice(9), eos]

  it.each([
    ['jsonSchema', json],
    ['jsonMode', json],
    ['functionCalling', [...hermesCall('place', oslo), eos]],
  ] as const)('reads an object, by %s', async (method, pieces) => {
    const { model } = connect({ scripts: [{ pieces }], model: hermes })
    const reader = model.withStructuredOutput(place, { name: 'place', method })
    expect(await reader.invoke('hi')).toEqual(oslo)
  })
})

describe('OpenAIEmbeddings', () => {
  it('embeds documents and a query', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'tiny',
      apiKey: 'none',
      configuration: { baseURL, fetch: serveEmbeddings() },
    })
    expect(await embeddings.embedDocuments(['abc', 'de'])).toEqual(embedded)
    expect(await embeddings.embedQuery('abcd')).toEqual([4, -2])
  })
})
