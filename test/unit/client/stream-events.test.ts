import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/client/collect.ts'
import { streamEvents, type StreamEvent } from '../../../src/client/stream-events.ts'
import {
  delta,
  done,
  finish,
  frame,
  openStream,
  pause,
  readAll,
  settle,
  sse,
} from './scripted-fetch.ts'

const call = (fields: object) => delta({ tool_calls: [fields] })

const chunk = (index: number, content: string, end: string | null = null) =>
  frame({ choices: [{ index, delta: { content }, finish_reason: end }] })

/** Events of choice 0, short. */
const summary = async (...frames: string[]) => {
  const events = await readAll(streamEvents(sse(...frames)))
  return events.map((event) => {
    const { type } = event
    if (type === 'tool-call-delta') return [type, event.index, event.id, event.name, event.text]
    if (type === 'tool-call') return [type, event.index, event.id, event.name, event.arguments]
    if (type === 'done') return [type, event.finishReason]
    if (type === 'usage' || type === 'error') return [type]
    return [type, event.text]
  })
}

describe('streamEvents', () => {
  it('tells content, reasoning, usage and the end', async () => {
    const usage = { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 }
    const events = await readAll(
      streamEvents(
        sse(
          delta({ role: 'assistant', content: '' }),
          delta({ reasoning: 'Hm', reasoning_content: 'Hm' }),
          delta({ reasoning_content: 'm.' }),
          delta({ content: 'Hi', reasoning: null }),
          delta({ content: '!' }, { finish_reason: 'stop', stop_reason: 7 }),
          frame({ choices: [], usage }),
          done,
        ),
      ),
    )
    expect(events).toEqual<StreamEvent[]>([
      { type: 'reasoning', choice: 0, text: 'Hm' },
      { type: 'reasoning', choice: 0, text: 'm.' },
      { type: 'content', choice: 0, text: 'Hi' },
      { type: 'content', choice: 0, text: '!' },
      { type: 'done', choice: 0, finishReason: 'stop', stopReason: 7 },
      { type: 'usage', usage },
    ])
  })

  it('completes a call when the next one starts, and the last at the end', async () => {
    expect(
      await summary(
        call({ index: 0, id: 'a', type: 'function', function: { name: 'f' } }),
        call({ index: 0, function: { arguments: '{"x"' } }),
        call({ index: 0, function: { arguments: ': 1}' } }),
        call({ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } }),
        delta(
          { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
          { finish_reason: 'tool_calls' },
        ),
        done,
      ),
    ).toEqual([
      ['tool-call-delta', 0, 'a', 'f', ''],
      ['tool-call-delta', 0, 'a', 'f', '{"x"'],
      ['tool-call-delta', 0, 'a', 'f', ': 1}'],
      ['tool-call', 0, 'a', 'f', '{"x": 1}'],
      ['tool-call-delta', 1, 'b', 'g', ''],
      ['tool-call-delta', 1, 'b', 'g', '{}'],
      ['tool-call', 1, 'b', 'g', '{}'],
      ['done', 'tool_calls'],
    ])
  })

  it.each([
    ['unnumbered', undefined],
    ['all numbered 0', 0],
  ])('tells calls apart by id where they are %s', async (_, index) => {
    const events = await summary(
      call({ index, id: 'a', function: { name: 'f', arguments: '{' } }),
      call({ index, id: 'a', function: { arguments: '}' } }),
      call({ index, id: 'b', function: { name: 'f', arguments: '{}' } }),
      finish('tool_calls'),
      done,
    )
    expect(events.filter(([type]) => type === 'tool-call')).toEqual([
      ['tool-call', 0, 'a', 'f', '{}'],
      ['tool-call', 1, 'b', 'f', '{}'],
    ])
  })

  it('gives calls without an id one', async () => {
    const events = await summary(
      call({ index: 0, function: { name: 'f', arguments: '{}' } }),
      call({ index: 1, function: { name: 'g', arguments: '{}' } }),
      finish('tool_calls'),
    )
    expect(events.filter(([type]) => type === 'tool-call')).toEqual([
      ['tool-call', 0, 'call_0', 'f', '{}'],
      ['tool-call', 1, 'call_1', 'g', '{}'],
    ])
  })

  it('reads the completions API and answers that are not streamed as well', async () => {
    const completion = { choices: [{ index: 0, text: 'ab', finish_reason: 'length' }] }
    expect(await summary(frame(completion), done)).toEqual([
      ['content', 'ab'],
      ['done', 'length'],
    ])
    const message = {
      role: 'assistant',
      content: null,
      reasoning: 'Hm.',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 'b', type: 'function', function: { name: 'g', arguments: '{"x":1}' } },
      ],
    }
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    const whole = Response.json({
      choices: [{ index: 0, message, finish_reason: 'tool_calls', stop_reason: null }],
      usage,
    })
    const collected = await collect(streamEvents(whole))
    expect(collected.usage).toEqual(usage)
    expect(collected.choices).toMatchObject([{ message, finishReason: 'tool_calls' }])
  })

  it('keeps choices apart', async () => {
    const { choices } = await collect(
      streamEvents(
        sse(chunk(1, 'b'), chunk(0, 'a'), chunk(1, 'B', 'stop'), chunk(0, 'A', 'length'), done),
      ),
    )
    expect(choices.map(({ message, finishReason }) => [message.content, finishReason])).toEqual([
      ['aA', 'length'],
      ['bB', 'stop'],
    ])
  })

  it('tells an error of a running stream, and reads no further', async () => {
    const { response, state, send } = openStream()
    const events = streamEvents(response)
    send(delta({ content: 'a' }))
    send(frame({ error: { message: 'Out of it', type: 'InternalServerError', code: 500 } }))
    send(done)
    expect(await readAll(events)).toEqual([
      { type: 'content', choice: 0, text: 'a' },
      {
        type: 'error',
        error: expect.objectContaining({
          code: 'internal',
          message: expect.stringContaining('Out of it'),
          details: { status: 500, type: 'InternalServerError' },
        }),
      },
    ])
    await settle()
    expect(state.cancelled).toBe(true)
  })

  it.each([
    [
      400,
      { error: { message: 'bad n', type: 'BadRequestError', param: 'n', code: 400 } },
      'invalid-request',
      /400: bad n/,
    ],
    [401, { error: 'Unauthorized' }, 'invalid-request', /401: Unauthorized/],
    [404, { detail: 'Not Found' }, 'invalid-request', /404: Not Found/],
    [429, { error: { message: 'slow down' } }, 'network', /429: slow down/],
    [500, { error: {} }, 'internal', /500: it sent \{\}/],
    [503, 'upstream', 'network', /503: upstream/],
  ])('tells a refusal: %i', async (status, body, code, message) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const [event] = await readAll(streamEvents(new Response(text, { status })))
    expect(event).toMatchObject({ type: 'error', error: { code, details: { status } } })
    expect(event?.type === 'error' && event.error.message).toMatch(message)
  })

  it('ends well without [DONE] only where every choice has ended', async () => {
    expect(await summary(delta({ content: 'a' }), finish())).toEqual([
      ['content', 'a'],
      ['done', 'stop'],
    ])
    const early = expect.objectContaining({ code: 'network' })
    await expect(summary(delta({ content: 'a' }))).rejects.toEqual(early)
    await expect(summary()).rejects.toEqual(early)
    await expect(summary(delta({ content: 'a' }), 'data: {"choices": [{"de')).rejects.toEqual(early)
  })

  it('ends choices that the server forgot to end', async () => {
    const start = call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } })
    expect((await summary(start, done)).slice(1)).toEqual([
      ['tool-call', 0, 'a', 'f', '{}'],
      ['done', null],
    ])
  })

  it('takes the promise of a response, whose rejection waits for the first event', async () => {
    const failing = streamEvents(Promise.reject(new TypeError('fetch failed')))
    await pause(5)
    await expect(failing.next()).rejects.toThrow('fetch failed')
    expect(await readAll(streamEvents(Promise.resolve(sse(finish(), done))))).toHaveLength(1)
  })

  it.each(['leaving the loop', 'return() before the first event', 'return() while it waits'])(
    'cancels the body by %s',
    async (how) => {
      const { response, state, send } = openStream()
      const events = streamEvents(response)
      if (how === 'leaving the loop') {
        send(delta({ content: 'a' }))
        for await (const event of events) if (event.type === 'content') break
      } else {
        const pending = how.includes('while') ? events.next() : null
        await settle()
        await events.return?.()
        if (pending) expect(await pending).toEqual({ done: true, value: undefined })
      }
      await settle()
      expect(state.cancelled).toBe(true)
      expect(await events.next()).toEqual({ done: true, value: undefined })
    },
  )

  it('frees a response that comes after return()', async () => {
    const { response, state } = openStream()
    const events = streamEvents(new Promise((resolve) => setTimeout(resolve, 1, response)))
    await events.return?.()
    expect(state.cancelled).toBe(false)
    await pause(10)
    expect(state.cancelled).toBe(true)
  })

  it('reads only as events are asked for', async () => {
    const { response, state, send } = openStream()
    const events = streamEvents(response)
    await settle()
    expect(state.numPulls).toBe(0)
    send(delta({ content: 'a' }))
    await events.next()
    await settle()
    expect(state.numPulls).toBeLessThanOrEqual(1)
  })
})
