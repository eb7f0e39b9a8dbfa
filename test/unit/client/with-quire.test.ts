import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/client/collect.ts'
import { withConcurrencyLimit } from '../../../src/client/concurrency-limit.ts'
import { withFallback } from '../../../src/client/fallback.ts'
import type { Fetch } from '../../../src/client/fetch.ts'
import { withRetry } from '../../../src/client/retry.ts'
import { runTools } from '../../../src/client/run-tools.ts'
import { streamChat } from '../../../src/client/stream-chat.ts'
import { withTimeout } from '../../../src/client/timeout.ts'
import { EngineError } from '../../../src/errors.ts'
import { createTestServer, eos, type TestServerOptions } from '../server/fixtures.ts'

const connect = (options: TestServerOptions) => {
  const server = createTestServer(options)
  const fetch: Fetch = (input, init) => server.handler(new Request(input, init))
  return { server, fetch, endpoint: { baseURL: 'http://quire.test/v1', fetch } }
}

const messages = [{ role: 'user', content: 'hi' }]

const callPieces = [
  '<think>',
  'Look',
  '</think>',
  '<tool_call>',
  '{"name": "weather", "arguments": {"city":',
  ' "Oslo"}}',
  '</tool_call>',
  '<tool_call>',
  '{"name": "time", "arguments": {}}',
  '</tool_call>',
  eos,
]

const parsers = { toolParser: 'hermes', reasoningParser: 'qwen3' }

describe("the client on Quire's own server", () => {
  it('runs tools until the model answers', async () => {
    const { endpoint, server } = connect({
      scripts: [{ pieces: callPieces }, { pieces: ['<think>', '</think>', 'Cold', ' at 3.', eos] }],
      model: parsers,
    })
    const result = await runTools({
      endpoint,
      request: { messages },
      tools: {
        weather: { run: ({ city }: { city: string }) => `${city}: cold` },
        time: { run: () => 3 },
      },
    })
    expect(result).toMatchObject({
      complete: true,
      numRounds: 2,
      finishReason: 'stop',
      message: { role: 'assistant', content: 'Cold at 3.' },
    })
    const [, assistant, ...results] = result.messages
    expect(assistant).toMatchObject({ reasoning: 'Look', content: null })
    expect(results.map(({ content }) => content)).toEqual(['Oslo: cold', '3', 'Cold at 3.'])
    expect(server.templateInputs[1]?.messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
    ])
    expect(result.usage?.total_tokens).toBeGreaterThan(result.usage?.completion_tokens ?? 0)
  })

  it('collects the same from a stream and from a whole answer', async () => {
    const { endpoint } = connect({
      scripts: [{ pieces: callPieces }, { pieces: callPieces }],
      model: parsers,
    })
    const tools = ['weather', 'time'].map((name) => ({ type: 'function', function: { name } }))
    const request = { messages, tools }
    const streamed = await collect(streamChat(endpoint, request))
    const whole = await collect(streamChat(endpoint, { ...request, stream: false }))
    const withoutIds = ({ choices }: typeof whole) =>
      choices.map(({ message, toolCalls, finishReason }) => ({
        content: message.content,
        reasoning: message.reasoning,
        calls: toolCalls.map(({ name, arguments: text }) => [name, text]),
        finishReason,
      }))
    expect(withoutIds(streamed)).toEqual(withoutIds(whole))
    expect(streamed.choices[0]?.toolCalls).toHaveLength(2)
    expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
  })

  it('frees the sequence when a loop over events is left, through all wrappers', async () => {
    const { server, fetch } = connect({ scripts: [{ pieces: ['a', 'b'], end: 'hang' }] })
    const wrapped = withConcurrencyLimit(withRetry(withTimeout(fetch, { idleMs: 1000 })), 1)
    const endpoint = { baseURL: 'http://quire.test/v1', fetch: wrapped }
    for await (const event of streamChat(endpoint, { messages })) {
      if (event.type === 'content') break
    }
    await expect.poll(() => server.engine.running.size).toBe(0)
  })

  it('answers as an OpenAI server when a failing engine falls back on one', async () => {
    const failing = connect({
      scripts: [{ pieces: [], end: new EngineError('device-lost', 'The GPU is gone.') }],
      model: { id: 'small' },
    })
    const other = connect({ scripts: [{ pieces: ['Hel', 'lo', eos] }] })
    const reasons: string[] = []
    const client = new OpenAI({
      baseURL: 'http://quire.localhost/v1',
      apiKey: 'none',
      maxRetries: 0,
      fetch: withFallback(
        Promise.resolve(failing),
        { baseURL: 'http://vllm.test/v1', fetch: other.fetch, model: 'tiny' },
        { onFallback: ({ reason }) => void reasons.push(reason) },
      ),
    })
    const stream = await client.chat.completions.create({
      model: 'small',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('Hello')
    expect(reasons).toEqual(['failed'])
  })
})
