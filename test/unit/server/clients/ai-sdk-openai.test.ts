import { createOpenAI } from '@ai-sdk/openai'
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from 'ai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eos, type TestServerOptions } from '../fixtures.ts'
import {
  baseURL,
  collect,
  degrees,
  embedded,
  serve,
  serveEmbeddings,
  thoughtful,
  twoCallsThenAnswer,
} from './client-fixtures.ts'

// The AI SDK's own provider for OpenAI, which speaks the Responses API unless told otherwise.

const connect = (options: TestServerOptions) => {
  const { server, fetch } = serve(options)
  const provider = createOpenAI({ apiKey: 'none', baseURL, fetch })
  return { server, provider, asked: { model: provider('tiny'), prompt: 'hi', maxRetries: 0 } }
}

const hermes = { toolParser: 'hermes' }

const weather = tool({
  description: 'Degrees in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => ({ degrees: degrees[city] }),
})

describe('responses', () => {
  it('come whole, with reasoning and usage', async () => {
    const { asked } = connect({ scripts: [thoughtful], model: { reasoningParser: 'qwen3' } })
    const { text, finishReason, usage } = await generateText(asked)
    expect([text, finishReason]).toEqual(['Four.', 'stop'])
    expect(usage).toMatchObject({ outputTokens: 7, outputTokenDetails: { reasoningTokens: 2 } })
  })

  it('come in pieces', async () => {
    const { asked } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const result = streamText(asked)
    expect(await collect(result.textStream)).toEqual(['Hel', 'lo'])
    expect(await result.finishReason).toBe('stop')
  })

  it('call tools, whose results they then use', async () => {
    for (const answer of [generateText, streamText]) {
      const { asked, server } = connect({ scripts: twoCallsThenAnswer, model: hermes })
      const result = await answer({ ...asked, tools: { weather }, stopWhen: stepCountIs(5) })
      expect(await result.text).toBe('Oslo: 3°, Lima: 19°.')
      expect(await result.steps).toHaveLength(2)
      const calls = ['Oslo', 'Lima'].map((city) => ({ function: { arguments: { city } } }))
      expect(server.templateInputs[1]?.messages.slice(1)).toMatchObject([
        { role: 'assistant', tool_calls: calls },
        { role: 'tool', content: '{"degrees":3}' },
        { role: 'tool', content: '{"degrees":19}' },
      ])
    }
  })

  // The provider refers to what it was answered, unless it is told that nothing is stored.
  it.each([
    [true, 'Two and two.'],
    [false, undefined],
  ])('go on with a chat: stored %s', async (store, reasoning) => {
    const { asked, server } = connect({
      scripts: [thoughtful, { pieces: ['Yes', eos] }],
      model: { reasoningParser: 'qwen3' },
      serving: { enableResponsesStore: store },
    })
    const { prompt: content, ...common } = { ...asked, providerOptions: { openai: { store } } }
    const question = { role: 'user', content } as const
    const { response } = await generateText({ ...common, messages: [question] })
    const messages = [question, ...response.messages, { role: 'user', content: 'Sure?' } as const]
    expect((await generateText({ ...common, messages })).text).toBe('Yes')
    const [, answer] = server.templateInputs[1]?.messages ?? []
    expect([answer?.['content'], answer?.['reasoning']]).toEqual(['Four.', reasoning])
  })

  it('are held to a form', async () => {
    const { asked, server } = connect({ scripts: [{ pieces: ['{"city": "Oslo"}', eos] }] })
    const schema = z.object({ city: z.string().max(20) })
    expect((await generateObject({ ...asked, schema })).object).toEqual({ city: 'Oslo' })
    expect(server.engine.requests[0]?.tokenMask).toBeDefined()
  })
})

describe('the other protocols', () => {
  it('give chats, completions and embeddings', async () => {
    const { asked, provider } = connect({
      scripts: [{ pieces: ['chat', eos] }, { pieces: ['more', eos] }],
    })
    expect((await generateText({ ...asked, model: provider.chat('tiny') })).text).toBe('chat')
    const completed = await generateText({ ...asked, model: provider.completion('tiny') })
    expect(completed.text).toBe('more')
    const { embeddings } = await embedMany({
      model: createOpenAI({ apiKey: 'none', baseURL, fetch: serveEmbeddings() }).embedding('tiny'),
      values: ['abc', 'de'],
    })
    expect(embeddings).toEqual(embedded)
  })
})
