import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  embedMany,
  generateObject,
  generateText,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from 'ai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineError } from '../../../../src/errors.ts'
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

const connect = (options: TestServerOptions) => {
  const { server, fetch } = serve(options)
  const provider = createOpenAICompatible({
    name: 'quire',
    baseURL,
    fetch,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  return { server, asked: { model: provider('tiny'), prompt: 'hi', maxRetries: 0 } }
}

const hermes = { toolParser: 'hermes' }

const weather = tool({
  description: 'Degrees in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => ({ degrees: degrees[city] }),
})

describe('generateText', () => {
  it('gets text, its finish reason and its usage', async () => {
    const { asked } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos], numCachedTokens: 16 }] })
    const { text, finishReason, usage } = await generateText(asked)
    expect(text).toBe('Hello')
    expect(finishReason).toBe('stop')
    expect(usage).toMatchObject({
      inputTokens: 18,
      outputTokens: 3,
      totalTokens: 21,
      inputTokenDetails: { cacheReadTokens: 16 },
    })
  })

  it('gets reasoning', async () => {
    const { asked } = connect({ scripts: [thoughtful], model: { reasoningParser: 'qwen3' } })
    const { text, reasoningText, usage } = await generateText(asked)
    expect(text).toBe('Four.')
    expect(reasoningText).toBe('Two and two.')
    expect(usage.outputTokenDetails.reasoningTokens).toBe(2)
  })

  it('passes on the effort, and the fields that only vLLM knows', async () => {
    const { asked, server } = connect({ scripts: [{ pieces: ['a', eos] }] })
    const providerOptions = { quire: { reasoningEffort: 'none', top_k: 5 } }
    await generateText({ ...asked, providerOptions })
    expect(server.engine.requests[0]?.samplingParams.topK).toBe(5)
    expect(server.templateInputs[0]?.kwargs).toEqual({
      reasoning_effort: 'none',
      enable_thinking: false,
    })
  })

  it('calls tools in one step and answers in the next', async () => {
    const { asked, server } = connect({ scripts: twoCallsThenAnswer, model: hermes })
    const { text, steps } = await generateText({
      ...asked,
      tools: { weather },
      stopWhen: stepCountIs(5),
    })
    expect(text).toBe('Oslo: 3°, Lima: 19°.')
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop'])
    expect(steps[0]?.toolResults.map(({ input, output }) => [input, output])).toEqual([
      [{ city: 'Oslo' }, { degrees: 3 }],
      [{ city: 'Lima' }, { degrees: 19 }],
    ])
    expect(server.templateInputs[1]?.messages.slice(2)).toMatchObject([
      { role: 'tool', content: '{"degrees":3}' },
      { role: 'tool', content: '{"degrees":19}' },
    ])
  })

  it('throws its own error for a refusal', async () => {
    const { asked } = connect({})
    const refused = generateText({ ...asked, temperature: 3 })
    await expect(refused).rejects.toSatisfy((error) => APICallError.isInstance(error))
    await expect(refused).rejects.toMatchObject({ statusCode: 400, isRetryable: false })
    await expect(refused).rejects.toThrow('temperature must be in [0, 2], got 3')
  })

  it('aborts', async () => {
    const { asked, server } = connect({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const abort = new AbortController()
    const answer = generateText({ ...asked, abortSignal: abort.signal })
    setTimeout(() => abort.abort(), 5)
    await expect(answer).rejects.toThrow(/abort/i)
    expect(server.engine.running.size).toBe(0)
  })
})

describe('streamText', () => {
  it('streams text and tells its usage', async () => {
    const { asked } = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const result = streamText(asked)
    expect(await collect(result.textStream)).toEqual(['Hel', 'lo'])
    expect(await result.finishReason).toBe('stop')
    expect((await result.usage).totalTokens).toBe(21)
  })

  it('streams reasoning parts, then text parts', async () => {
    const { asked } = connect({ scripts: [thoughtful], model: { reasoningParser: 'qwen3' } })
    const parts = await collect(streamText(asked).fullStream)
    const told = parts.flatMap((part) => ('text' in part ? [[part.type, part.text]] : []))
    expect(told).toEqual([
      ['reasoning-delta', 'Two and'],
      ['reasoning-delta', ' two.'],
      ['text-delta', 'Four'],
      ['text-delta', '.'],
    ])
    const order = parts.map(({ type }) => type)
    expect(order.indexOf('reasoning-end')).toBeLessThan(order.indexOf('text-start'))
  })

  it('streams the input of tools, runs them and streams the answer', async () => {
    const { asked } = connect({ scripts: twoCallsThenAnswer, model: hermes })
    const result = streamText({ ...asked, tools: { weather }, stopWhen: stepCountIs(5) })
    const parts = await collect(result.fullStream)
    const inputs = parts.flatMap((part) => (part.type === 'tool-input-delta' ? [part.delta] : []))
    expect(inputs.join('')).toBe('{"city":"Oslo"}{"city":"Lima"}')
    const outputs = parts.flatMap((part) => (part.type === 'tool-result' ? [part.output] : []))
    expect(outputs).toEqual([{ degrees: 3 }, { degrees: 19 }])
    expect(await result.text).toBe('Oslo: 3°, Lima: 19°.')
    expect(await result.steps).toHaveLength(2)
  })

  it('tells an error that comes late', async () => {
    const end = new EngineError('device-lost', 'The GPU is gone.')
    const { asked } = connect({ scripts: [{ pieces: ['a'], end }] })
    const parts = await collect(streamText({ ...asked, onError: () => {} }).fullStream)
    expect(parts.find(({ type }) => type === 'error')).toMatchObject({
      error: { message: 'The GPU is gone.' },
    })
  })

  it('aborts', async () => {
    const { asked, server } = connect({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const abort = new AbortController()
    const result = streamText({ ...asked, abortSignal: abort.signal })
    const types: string[] = []
    for await (const part of result.fullStream) {
      types.push(part.type)
      if (part.type === 'text-delta') abort.abort()
    }
    expect(types.at(-1)).toBe('abort')
    expect(server.engine.running.size).toBe(0)
  })
})

describe('objects', () => {
  const schema = z.object({ city: z.string(), degrees: z.number() })
  const pieces = ['{"city": "Os', 'lo", "degrees": 3}', eos]
  const place = { city: 'Oslo', degrees: 3 }

  it('come whole', async () => {
    const { asked } = connect({ scripts: [{ pieces }, { pieces }] })
    expect((await generateObject({ ...asked, schema })).object).toEqual(place)
    const output = Output.object({ schema })
    expect((await generateText({ ...asked, output })).output).toEqual(place)
  })

  it('come in parts', async () => {
    const { asked } = connect({ scripts: [{ pieces }] })
    const result = streamObject({ ...asked, schema })
    const parts = await collect(result.partialObjectStream)
    expect(parts[0]).toEqual({ city: 'Os' })
    expect(await result.object).toEqual(place)
  })

  it('come after reasoning', async () => {
    const script = { pieces: ['<think>', 'Hm.', '</think>', ...pieces] }
    const { asked } = connect({ scripts: [script], model: { reasoningParser: 'qwen3' } })
    const { object, reasoning } = await generateObject({ ...asked, schema })
    expect(object).toEqual(place)
    expect(reasoning).toBe('Hm.')
  })
})

describe('required tools', () => {
  it.each(['required', { type: 'tool', toolName: 'weather' }] as const)(
    'are called: %j',
    async (toolChoice) => {
      const [script] = twoCallsThenAnswer
      const { asked } = connect({ scripts: [script!], model: hermes })
      const { toolCalls } = await generateText({ ...asked, tools: { weather }, toolChoice })
      expect(toolCalls.map(({ input }) => input)).toEqual([{ city: 'Oslo' }, { city: 'Lima' }])
    },
  )
})

describe('embedMany', () => {
  it('embeds texts', async () => {
    const provider = createOpenAICompatible({ name: 'quire', baseURL, fetch: serveEmbeddings() })
    const { embeddings, usage } = await embedMany({
      model: provider.embeddingModel('tiny'),
      values: ['abc', 'de'],
    })
    expect(embeddings).toEqual(embedded)
    expect(usage.tokens).toBe(5)
  })
})
