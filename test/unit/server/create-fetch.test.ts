import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import type { CreateFetchOptions } from '../../../src/server/create-fetch.ts'
import { createTestServer, eos, normalise } from './fixtures.ts'

const get = (path: string, init?: RequestInit) => {
  const { handler, engine } = createTestServer()
  return { response: handler(new Request(`http://quire.test${path}`, init)), engine }
}

describe('the routes', () => {
  it('list the model', async () => {
    const response = await get('/v1/models').response
    const text = normalise(await response.text()).replace(/modelperm-[0-9a-f]{16}/, 'modelperm-ID')
    expect(text).toBe(
      '{"object":"list","data":[{"id":"tiny","object":"model","created":0,"owned_by":"vllm",' +
        '"root":"tiny","parent":null,"max_model_len":1000,"permission":[{"id":"modelperm-ID",' +
        '"object":"model_permission","created":0,"allow_create_engine":false,' +
        '"allow_sampling":true,"allow_logprobs":true,"allow_search_indices":false,' +
        '"allow_view":true,"allow_fine_tuning":false,"organization":"*","group":null,' +
        '"is_blocking":false}]}]}',
    )
  })

  it('tell the version and the health', async () => {
    expect(await (await get('/version').response).json()).toEqual({ version: '1.2.3' })
    const { handler, engine } = createTestServer()
    const health = () => handler(new Request('http://quire.test/health'))
    const healthy = await health()
    expect([healthy.status, await healthy.text()]).toEqual([200, ''])
    engine.dispose()
    expect((await health()).status).toBe(503)
  })

  it('answer unknown paths and methods as FastAPI does', async () => {
    for (const path of ['/', '/v1/nothing', '/constructor', '/v1/models/tiny']) {
      const unknown = await get(path).response
      expect([unknown.status, await unknown.text()]).toEqual([404, '{"detail":"Not Found"}'])
      expect(unknown.statusText).toBe('Not Found')
    }
    const wrong = await get('/v1/chat/completions').response
    expect([wrong.status, await wrong.text()]).toEqual([405, '{"detail":"Method Not Allowed"}'])
    expect(wrong.headers.get('allow')).toBe('POST')
  })

  it('answer where a slash follows the path', async () => {
    const found = await get('/v1/models/').response
    expect(found.status).toBe(200)
    expect((await get('/').response).status).toBe(404)
  })

  it('answer no HEAD and no OPTIONS by themselves, as FastAPI does not', async () => {
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      const refused = await get('/v1/models', { method }).response
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
    }
  })

  it('answer pings by either method', async () => {
    for (const method of ['GET', 'POST']) {
      const pong = await get('/ping', { method }).response
      expect([pong.status, await pong.text()]).toEqual([200, ''])
    }
    const wrong = await get('/ping', { method: 'PUT' }).response
    expect(wrong.headers.get('allow')).toBe('GET, POST')
  })

  it('answer 503 once the engine is disposed', async () => {
    const { chat, engine } = createTestServer()
    engine.dispose()
    expect((await chat({})).status).toBe(503)
  })
})

const loadOf = async ({ handler }: ReturnType<typeof createTestServer>) =>
  (await handler(new Request('http://quire.test/load'))).json()

describe('the load', () => {
  it('counts requests until their answer has ended', async () => {
    const hang = { pieces: ['a'], end: 'hang' as const }
    const server = createTestServer({ scripts: [hang, hang, { pieces: [eos] }] })
    expect(await loadOf(server)).toEqual({ server_load: 0 })
    const stream = await server.chat({ stream: true })
    const client = new AbortController()
    const whole = server.complete({}, { signal: client.signal })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await loadOf(server)).toEqual({ server_load: 2 })
    client.abort()
    await expect(whole).rejects.toThrow(/abort/i)
    expect(await loadOf(server)).toEqual({ server_load: 1 })
    await stream.body?.cancel()
    await server.chat({})
    await server.chat({ temperature: 9 })
    expect(await loadOf(server)).toEqual({ server_load: 0 })
  })
})

const idOf = async (serving: CreateFetchOptions, headers: HeadersInit = {}) => {
  const { handler } = createTestServer({ serving })
  const response = await handler(new Request('http://quire.test/v1/models', { headers }))
  return response.headers.get('x-request-id')
}

describe('the id of a request', () => {
  it('is told by header where that is enabled', async () => {
    const serving = { enableRequestIdHeaders: true }
    expect(await idOf(serving, { 'x-request-id': 'mine' })).toBe('mine')
    expect(await idOf(serving)).toMatch(/^[0-9a-f]{32}$/)
    expect(await idOf({}, { 'x-request-id': 'mine' })).toBeNull()
  })
})

const hanging = () => createTestServer({ scripts: [{ pieces: ['a', 'b'], end: 'hang' }] })

describe('giving up', () => {
  it('by cancelling the body frees the request in the same tick', async () => {
    const { chat, engine } = hanging()
    const response = await chat({ stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    expect([...engine.running]).toEqual([0])
    void reader?.cancel()
    expect([...engine.running]).toEqual([])
    expect([...engine.aborted]).toEqual([0])
  })

  it('by the signal frees the request in the same tick and errors the body', async () => {
    const { chat, engine } = hanging()
    const client = new AbortController()
    const response = await chat({ stream: true }, { signal: client.signal })
    const reader = response.body?.getReader()
    await reader?.read()
    const rest = (async () => {
      while (!(await reader?.read())?.done);
    })()
    client.abort()
    expect([...engine.aborted]).toEqual([0])
    await expect(rest).rejects.toThrow(/abort/i)
  })

  it('on a whole reply frees the request and rejects as fetch does', async () => {
    const { chat, engine } = hanging()
    const client = new AbortController()
    const response = chat({}, { signal: client.signal })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([...engine.running]).toEqual([0])
    client.abort()
    expect([...engine.aborted]).toEqual([0])
    await expect(response).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('beforehand starts nothing', async () => {
    const { chat, engine } = hanging()
    await expect(chat({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(engine.requests).toHaveLength(0)
  })

  it('frees the other choices when one of them fails', async () => {
    const { chat, engine } = createTestServer({
      scripts: [
        { pieces: ['a'], end: 'hang' },
        { pieces: ['b'], end: new EngineError('device-lost', 'The GPU is gone.') },
      ],
    })
    const response = await chat({ n: 2 })
    expect(response.status).toBe(500)
    expect([...engine.aborted]).toContain(0)
    expect([...engine.running]).toEqual([])
  })

  it('frees all choices', async () => {
    const { chat, engine } = createTestServer({
      scripts: [
        { pieces: ['a'], end: 'hang' },
        { pieces: ['b'], end: 'hang' },
      ],
    })
    const response = await chat({ stream: true, n: 2 })
    const reader = response.body?.getReader()
    for (let frames = 0; frames < 4; frames += 1) await reader?.read()
    expect([...engine.running]).toEqual([0, 1])
    await reader?.cancel()
    expect([...engine.running]).toEqual([])
  })
})

describe('a slow reader', () => {
  it('loses nothing', async () => {
    const pieces = Array.from({ length: 50 }, (_, index) => `${index} `)
    const { chat } = createTestServer({ scripts: [{ pieces: [...pieces, eos] }] })
    const response = await chat({ stream: true })
    const decoder = new TextDecoder()
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true })
      if (text.length % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const contents = [...text.matchAll(/"delta":\{"content":"([^"]*)"\}/g)].map(
      ([, found]) => found,
    )
    expect(contents.join('')).toBe(pieces.join(''))
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })
})
