import { describe, expect, it } from 'vitest'
import { collect } from '../../../src/client/collect.ts'
import type { Endpoint } from '../../../src/client/fetch.ts'
import { streamChat, type ChatRequest } from '../../../src/client/stream-chat.ts'
import { delta, done, finish, openStream, pause, scriptedFetch, sse } from './scripted-fetch.ts'

const messages = [{ role: 'user', content: 'hi' }]

const ask = async (endpoint: Partial<Endpoint>, request: Partial<ChatRequest> = {}) => {
  const { fetch, requests, bodies } = scriptedFetch(sse(delta({ content: 'a' }), finish(), done))
  const given = { baseURL: 'http://server.test/v1', fetch, ...endpoint }
  await collect(streamChat(given, { messages, ...request }))
  return { request: requests[0], body: JSON.parse(bodies[0] ?? '') }
}

describe('streamChat', () => {
  it("sends the endpoint's model, key and headers", async () => {
    const headers = { 'x-team': 'a' }
    const { request, body } = await ask({ model: 'tiny', apiKey: 'secret', headers })
    expect(request?.method).toBe('POST')
    expect(request?.url).toBe('http://server.test/v1/chat/completions')
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer secret',
      'x-team': 'a',
    })
    expect(body).toEqual({
      model: 'tiny',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it('lets the request say otherwise', async () => {
    const own = { model: 'large', stream_options: {}, temperature: 0 }
    expect((await ask({ model: 'tiny' }, own)).body).toEqual({ ...own, messages, stream: true })
    const whole = (await ask({}, { stream: false })).body
    expect(whole).toEqual({ messages, stream: false })
  })

  it('rejects when the signal aborts, before the request and within the answer', async () => {
    const endpoint = { baseURL: 'http://server.test/v1' }
    const aborted = AbortSignal.abort(new Error('enough'))
    const none = scriptedFetch()
    const never = streamChat({ ...endpoint, fetch: none.fetch }, { messages }, { signal: aborted })
    await expect(never.next()).rejects.toThrow('enough')
    expect(none.requests).toEqual([])

    const stream = openStream()
    const controller = new AbortController()
    const { fetch } = scriptedFetch(stream.response)
    const { signal } = controller
    const events = streamChat({ ...endpoint, fetch }, { messages }, { signal })
    const next = events.next()
    await pause(1)
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    expect(stream.state.cancelled).toBe(true)
  })
})
