import { describe, expect, it, vi } from 'vitest'
import { object, parse, string } from 'valibot'
import type {
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { runTools, type RunToolsOptions } from '../../../src/client/run-tools.ts'
import { delta, done, finish, frame, pause, scriptedFetch, silence, sse } from './scripted-fetch.ts'

const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
const tail = [frame({ choices: [], usage }), done]

/** An answer that calls tools: `[name, arguments]` each. */
const calls =
  (...called: readonly (readonly [string, string])[]) =>
  () =>
    sse(
      ...called.map(([name, text], index) =>
        delta({ tool_calls: [{ index, id: `id${index}`, function: { name, arguments: text } }] }),
      ),
      finish('tool_calls'),
      ...tail,
    )
const answer = (content: string) => () => sse(delta({ content }), finish(), ...tail)

const user = { role: 'user', content: 'Weather?' }

/** Without an index signature, as the interfaces of libraries are. */
interface JSONSchema {
  readonly type: string
  readonly properties: object
}

const setUp = (...steps: (() => Response | Promise<Response>)[]) => {
  const server = scriptedFetch(...steps)
  const endpoint = { baseURL: 'http://server.test/v1/', fetch: server.fetch, model: 'tiny' }
  const sent = (round: number) => JSON.parse(server.bodies[round] ?? 'null')
  const run = <Tools extends Record<string, unknown>>(
    options: Pick<RunToolsOptions<Tools>, 'tools'> & Partial<RunToolsOptions<Tools>>,
  ) => runTools({ endpoint, request: { messages: [user] }, ...options })
  return { run, sent, server }
}

const weather = {
  description: 'The weather in a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  run: ({ city }: { city: string }) => ({ city, degrees: 3 }),
}

describe('runTools', () => {
  it('takes and gives messages, requests and schemas as another library declares them', async () => {
    const { sent, server } = setUp(calls(['weather', '{"city": "Oslo"}']), answer('Cold.'))
    const endpoint = { baseURL: 'http://server.test/v1/', fetch: server.fetch }
    const request: ChatCompletionCreateParamsStreaming = {
      model: 'tiny',
      messages: [{ role: 'user', content: 'Weather?' }],
      stream: true,
      temperature: 0,
    }
    const parameters: JSONSchema = { type: 'object', properties: { city: { type: 'string' } } }
    const tools = { weather: { ...weather, parameters } }
    const { messages } = await runTools({ endpoint, request, tools })
    const next: ChatCompletionMessageParam[] = [...messages]
    expect(next.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    expect(sent(0)).toMatchObject({
      model: 'tiny',
      temperature: 0,
      tools: [{ function: { parameters } }],
    })
  })

  it('runs what the model calls and tells it', async () => {
    const { run, sent, server } = setUp(calls(['weather', '{"city": "Oslo"}']), answer('Cold.'))
    const result = await run({ tools: { weather } })
    expect(server.requests[0]?.url).toBe('http://server.test/v1/chat/completions')
    expect(sent(0)).toEqual({
      model: 'tiny',
      stream: true,
      stream_options: { include_usage: true },
      messages: [user],
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: weather.description,
            parameters: weather.parameters,
          },
        },
      ],
    })
    const messages = [
      user,
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'id0',
            type: 'function',
            function: { name: 'weather', arguments: '{"city": "Oslo"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'id0', content: '{"city":"Oslo","degrees":3}' },
    ]
    expect(sent(1).messages).toEqual(messages)
    expect(result).toEqual({
      message: { role: 'assistant', content: 'Cold.' },
      finishReason: 'stop',
      messages: [...messages, { role: 'assistant', content: 'Cold.' }],
      usage: { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 },
      numRounds: 2,
      complete: true,
    })
  })

  it('tells the model what went wrong', async () => {
    const { run, sent } = setUp(
      calls(
        ['fails', '{}'],
        ['missing', '{}'],
        ['weather', '{"city": "Os'],
        ['toString', '{}'],
        ['strict', '{"city": 3}'],
        ['cyclic', '{}'],
      ),
      answer('Sorry.'),
    )
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const { complete } = await run({
      tools: {
        weather,
        fails: { run: () => Promise.reject(new Error('no network')) },
        strict: {
          parse: (args) => parse(object({ city: string() }), args),
          run: ({ city }: { city: string }) => city,
        },
        cyclic: { run: () => cycle },
      },
    })
    expect(complete).toBe(true)
    const results = sent(1).messages.slice(2)
    expect(results).toMatchObject(
      Array.from({ length: 6 }, (_, call) => ({ role: 'tool', tool_call_id: `id${call}` })),
    )
    expect(results.map(({ content }: { content: string }) => JSON.parse(content).error)).toEqual([
      'no network',
      expect.stringMatching(/no tool "missing".* "weather", "fails", "strict", "cyclic"/),
      expect.stringMatching(/"weather" are no valid JSON/),
      expect.stringContaining('no tool "toString"'),
      expect.stringMatching(/Expected string/),
      expect.stringMatching(/circular/),
    ])
  })

  it.each([true, false])('runs calls at once: %s', async (parallel) => {
    const log: string[] = []
    const wait = async ({ ms }: { ms: number }) => {
      log.push(`start ${ms}`)
      await pause(ms)
      log.push(`end ${ms}`)
      return String(ms)
    }
    const { run, sent } = setUp(calls(['wait', '{"ms": 20}'], ['wait', '{"ms": 1}']), answer(''))
    await run({ tools: { wait: { run: wait } }, parallel })
    expect(log).toEqual(
      parallel
        ? ['start 20', 'start 1', 'end 1', 'end 20']
        : ['start 20', 'end 20', 'start 1', 'end 1'],
    )
    const results = sent(1).messages.slice(2)
    expect(results.map(({ content }: { content: string }) => content)).toEqual(['20', '1'])
  })

  it('stops after so many rounds, with every call answered', async () => {
    const round = calls(['weather', '{"city": "Oslo"}'])
    const { run, server } = setUp(round, round, round)
    const result = await run({ tools: { weather }, maxRounds: 2 })
    expect(server.requests).toHaveLength(2)
    expect(result).toMatchObject({ complete: false, numRounds: 2, finishReason: 'tool_calls' })
    expect(result.messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
      'tool',
    ])
  })

  it.each([
    ['required', 'auto'],
    [{ type: 'function', function: { name: 'weather' } }, 'auto'],
    ['none', 'none'],
  ])('sends tool_choice %j first and then %j', async (choice, later) => {
    const { run, sent } = setUp(calls(['weather', '{"city": "Oslo"}']), answer('Cold.'))
    await run({ tools: { weather }, request: { messages: [user], tool_choice: choice } })
    expect(sent(0).tool_choice).toEqual(choice)
    expect(sent(1).tool_choice).toEqual(later)
  })

  it('tells everything as it happens, and waits for whoever is told', async () => {
    const { run } = setUp(calls(['weather', '{"city": "Oslo"}']), answer('Cold.'))
    const told: string[] = []
    let numBusy = 0
    await run({
      tools: { weather },
      onEvent: async (event) => {
        numBusy += 1
        expect(numBusy).toBe(1)
        await pause(1)
        numBusy -= 1
        told.push(event.type)
        if (event.type === 'tool-result') {
          expect(event).toMatchObject({
            call: { id: 'id0', name: 'weather' },
            result: { city: 'Oslo', degrees: 3 },
            message: { role: 'tool' },
          })
        }
      },
    })
    const first = ['tool-call-delta', 'tool-call', 'done', 'usage', 'tool-result']
    expect(told).toEqual([...first, 'content', 'done', 'usage'])
  })

  it('repeats the reasoning while the model calls tools', async () => {
    const thinking = [
      delta({ reasoning: 'Look it up.' }),
      delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'weather' } }] }),
      finish('tool_calls'),
    ]
    const { run, sent } = setUp(() => sse(...thinking), answer('Cold.'))
    await run({ tools: { weather } })
    expect(sent(1).messages[1].reasoning).toBe('Look it up.')
  })

  it('sends no empty list of tools', async () => {
    const { run, sent } = setUp(answer('Hi.'))
    await run({ tools: {} })
    expect(sent(0)).not.toHaveProperty('tools')
  })

  it.each(['the request', 'a tool'])('ends %s when the signal aborts', async (what) => {
    const controller = new AbortController()
    const hang = vi.fn<(args: unknown, context: { signal: AbortSignal }) => Promise<never>>(
      () => new Promise(() => {}),
    )
    const { run, server } = setUp(what === 'a tool' ? calls(['hang', '{}']) : silence)
    const { signal } = controller
    const running = run({ tools: { hang: { run: hang } }, signal })
    await pause(5)
    if (what === 'a tool') expect(hang.mock.calls[0]?.[1].signal.aborted).toBe(false)
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(server.requests).toHaveLength(1)
    if (what === 'a tool') expect(hang.mock.calls[0]?.[1].signal.aborted).toBe(true)
  })

  it('throws what the server says', async () => {
    const refusal = Response.json({ error: { message: 'bad tools' } }, { status: 400 })
    await expect(setUp(() => refusal).run({ tools: { weather } })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('bad tools'),
    })
  })

  it.each([
    [{ maxRounds: 0 }, /maxRounds is 0/],
    [{ request: { messages: [user], n: 2 } }, /n is 2/],
  ])('refuses %j', async (options, message) => {
    const { run, server } = setUp()
    await expect(run({ tools: { weather }, ...options })).rejects.toThrow(message)
    expect(server.requests).toEqual([])
  })
})
