import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { createEngine, type Engine, type LoadProgress } from '../../src/index.ts'

type Message = OpenAI.ChatCompletionMessageParam
type Delta = OpenAI.ChatCompletionChunk.Choice.Delta & { readonly reasoning?: string }

const weatherTool: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Current weather in a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', description: 'Name of the city' } },
      required: ['city'],
    },
  },
}

let engine: Engine
let client: OpenAI
const progress: LoadProgress[] = []

beforeAll(async () => {
  engine = await createEngine({
    model: '/starter-model/',
    onProgress: (step) => progress.push(step),
  })
  client = new OpenAI({
    baseURL: engine.baseURL,
    apiKey: 'none',
    fetch: engine.fetch,
    dangerouslyAllowBrowser: true,
  })
})
afterAll(() => engine?.dispose())

const common = () => ({ model: engine.model, temperature: 0, max_tokens: 200 })

describe('the unmodified openai package on the starter model', () => {
  it('reported its loading', () => {
    const phases = new Set(progress.map(({ phase }) => phase))
    // Another file's engine may have downloaded the model before.
    expect([...phases]).toEqual(expect.arrayContaining(['weights', 'compile', 'ready']))
    expect(progress.at(-1)?.phase).toBe('ready')
  })

  it('streams a chat', async () => {
    const stream = await client.chat.completions.create({
      ...common(),
      messages: [{ role: 'user', content: 'Hello!' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    const contents: string[] = []
    let finishReason: string | null = null
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      contents.push(chunk.choices[0]?.delta.content ?? '')
      finishReason = chunk.choices[0]?.finish_reason ?? finishReason
      usage = chunk.usage ?? usage
    }
    expect(contents.filter(Boolean).length).toBeGreaterThan(2)
    expect(contents.join('')).toMatch(/hello|hi/i)
    expect(finishReason).toBe('stop')
    expect(usage?.completion_tokens).toBeGreaterThan(2)
  })

  it('streams a tool call and its follow-up', async () => {
    const messages: Message[] = [{ role: 'user', content: "What's the weather in Lisbon?" }]
    const stream = client.chat.completions.stream({ ...common(), messages, tools: [weatherTool] })
    const { message, finish_reason: finishReason } = (await stream.finalChatCompletion())
      .choices[0]!
    expect(finishReason).toBe('tool_calls')
    const [call] = message.tool_calls ?? []
    expect(call?.type === 'function' && call.function.name).toBe('get_weather')
    expect(JSON.parse(call?.type === 'function' ? call.function.arguments : '')).toEqual({
      city: 'Lisbon',
    })

    const result = { city: 'Lisbon', temperature_c: 23, condition: 'sunny' }
    const answer = await client.chat.completions.create({
      ...common(),
      tools: [weatherTool],
      messages: [
        ...messages,
        message,
        { role: 'tool', tool_call_id: call!.id, content: JSON.stringify(result) },
      ],
    })
    expect(answer.choices[0]?.message.content).toContain('23')
    expect(answer.choices[0]?.finish_reason).toBe('stop')
  })

  it('streams reasoning apart from the answer', async () => {
    const stream = await client.chat.completions.create({
      ...common(),
      messages: [{ role: 'user', content: 'What is 27 + 45?' }],
      stream: true,
    })
    let reasoning = ''
    let content = ''
    for await (const chunk of stream) {
      const delta: Delta = chunk.choices[0]?.delta ?? {}
      reasoning += delta.reasoning ?? ''
      content += delta.content ?? ''
    }
    expect(reasoning).toContain('72')
    expect(content).toContain('72')
    expect(reasoning + content).not.toContain('think>')
  })

  it('answers completions and lists its model', async () => {
    const models = await client.models.list()
    expect(models.data.map(({ id }) => id)).toEqual([engine.model])
    const completion = await client.completions.create({
      ...common(),
      prompt: 'Quire is',
      max_tokens: 4,
    })
    expect(completion.usage?.completion_tokens).toBeLessThanOrEqual(4)
    expect(completion.choices[0]?.finish_reason).toMatch(/stop|length/)
    expect((await engine.fetch(new URL('/health', engine.baseURL))).status).toBe(200)
  })
})

const allFree = async () => {
  await expect
    .poll(async () => {
      const stats = await engine.stats()
      return [stats.numRunning, stats.numWaiting, stats.numFreeBlocks - stats.numBlocks]
    })
    .toEqual([0, 0, 0])
}

const longRequest = (signal?: AbortSignal) =>
  engine.fetch(`${engine.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'Hello!' }],
      stream: true,
      ignore_eos: true,
      max_tokens: 1500,
    }),
    ...(signal && { signal }),
  })

describe('a request that ends early', () => {
  it('frees its blocks when the signal aborts', async () => {
    const abort = new AbortController()
    const reader = (await longRequest(abort.signal)).body!.getReader()
    await reader.read()
    expect((await engine.stats()).numRunning).toBe(1)
    const reason = new Error('Enough')
    abort.abort(reason)
    const readOn = async () => {
      while (!(await reader.read()).done) continue
    }
    // The same object, though the engine is in a worker.
    await expect(readOn()).rejects.toBe(reason)
    await allFree()
  })

  it('frees its blocks when the body is cancelled', async () => {
    const reader = (await longRequest()).body!.getReader()
    await reader.read()
    expect((await engine.stats()).numRunning).toBe(1)
    await reader.cancel()
    await allFree()
  })

  it('rejects at once when the signal has aborted before', async () => {
    await expect(longRequest(AbortSignal.abort())).rejects.toThrow(/abort/i)
  })
})

const post = async (body: string) => {
  const response = await engine.fetch(`${engine.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
  })
  const { error } = (await response.json()) as { error: { message: string; code: number } }
  return { status: response.status, ...error }
}

it('answers with a response as fetch does', async () => {
  const url = `${engine.baseURL}/models`
  const { status, headers, url: answered } = await engine.fetch(new URL(url))
  expect({ status, answered }).toEqual({ status: 200, answered: url })
  expect(headers.get('content-type')).toBe('application/json')
  const missing = await engine.fetch(`${engine.baseURL}/images`)
  expect([missing.status, missing.statusText]).toEqual([404, 'Not Found'])
})

describe('bad input', () => {
  it('gets a clear error, and the engine goes on serving', async () => {
    expect((await post('{"messages": [')).status).toBe(400)
    const long = await post(
      JSON.stringify({ messages: [{ role: 'user', content: 'long '.repeat(3000) }] }),
    )
    expect(long.status).toBe(400)
    expect(long.message).toContain('maximum context length is 2048 tokens')
    const unknown = await post(JSON.stringify({ model: 'other', messages: [] }))
    expect([unknown.status, unknown.message]).toEqual([404, 'The model `other` does not exist.'])
    const answer = await client.chat.completions.create({
      ...common(),
      messages: [{ role: 'user', content: 'Hello!' }],
    })
    expect(answer.choices[0]?.message.content).toMatch(/hello|hi/i)
  })
})

test('ends answers at the tokens that the page names', async () => {
  const asked = {
    ...common(),
    messages: [{ role: 'user' as const, content: 'Hello!' }],
  }
  const whole = await client.chat.completions.create(asked)
  const shorter = await createEngine({ model: '/starter-model/', stopTokens: ['!', '.', '?'] })
  try {
    const { fetch, baseURL } = shorter
    const other = client.withOptions({ fetch, baseURL })
    const { choices } = await other.chat.completions.create(asked)
    const text = whole.choices[0]!.message.content!
    expect(choices[0]!.finish_reason).toBe('stop')
    expect(choices[0]!.message.content).toBe(text.slice(0, text.search(/[!.?]/)))
  } finally {
    await shorter.dispose()
  }
})
