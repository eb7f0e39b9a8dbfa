import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import {
  withFallback,
  type FallbackOptions,
  type FallbackReason,
  type LocalEngine,
} from '../../../src/client/fallback.ts'
import type { Endpoint } from '../../../src/client/fetch.ts'
import { readText } from '../../../src/client/watch-body.ts'
import {
  delta,
  done,
  finish,
  frame,
  openStream,
  pause,
  post,
  scriptedFetch,
  settle,
  silence,
  sse,
  type Step,
} from './scripted-fetch.ts'

const localURL = 'http://quire.localhost/v1/chat/completions'

type Setup = FallbackOptions & {
  /** What the engine answers; or the error with which it could not be created. */
  readonly local?: readonly Step[] | Error | Promise<LocalEngine>
  readonly numWaiting?: number | Error
  readonly remote?: Partial<Endpoint>
}

const create = ({ local = [], numWaiting = 0, remote, ...options }: Setup) => {
  const engine = scriptedFetch(...(Array.isArray(local) ? local : []))
  const server = scriptedFetch(...Array.from({ length: 9 }, () => () => new Response('remote')))
  const reasons: FallbackReason[] = []
  const stats = () =>
    numWaiting instanceof Error ? Promise.reject(numWaiting) : Promise.resolve({ numWaiting })
  const given = () => {
    if (local instanceof Promise) return local
    return local instanceof Error ? Promise.reject(local) : { fetch: engine.fetch, stats }
  }
  const fetch = withFallback(
    given(),
    { baseURL: 'https://vllm.example/v1', fetch: server.fetch, ...remote },
    { onFallback: (reason) => void reasons.push(reason), ...options },
  )
  const ask = async (init: RequestInit = post({ model: 'small', n: 1 })) =>
    readText(await fetch(localURL, init))
  return { fetch, ask, engine, server, reasons }
}

const broken = () => {
  const stream = openStream()
  stream.fail(new TypeError('terminated'))
  return stream.response
}

describe('withFallback', () => {
  it('stays with the engine as long as it answers', async () => {
    const stream = delta({ content: 'a' }) + finish() + done
    const { ask, server, reasons, engine } = create({
      local: [sse(stream), new Response('no', { status: 400 })],
      maxWaiting: 2,
      numWaiting: 2,
    })
    expect(await ask()).toBe(stream)
    expect(await ask()).toBe('no')
    expect(engine.bodies[0]).toBe('{"model":"small","n":1}')
    expect(server.requests).toEqual([])
    expect(reasons).toEqual([])
  })

  it('asks the other server where there is no engine', async () => {
    const error = new EngineError('webgpu-unavailable', 'This browser has no WebGPU.')
    const { ask, reasons } = create({ local: error })
    await settle()
    expect(await ask()).toBe('remote')
    expect(await ask()).toBe('remote')
    expect(reasons).toEqual([0, 1].map(() => ({ reason: 'unavailable', error })))
  })

  it('waits for the engine to load, or does not', async () => {
    const engine = scriptedFetch(new Response('local'), new Response('local'))
    const load = () =>
      new Promise<LocalEngine>((resolve) => setTimeout(resolve, 5, { fetch: engine.fetch }))
    const patient = create({ local: load() })
    expect(await patient.ask()).toBe('local')
    const local = load()
    const impatient = create({ local, whileLoading: 'fallback' })
    expect(await impatient.ask()).toBe('remote')
    expect(impatient.reasons).toEqual([{ reason: 'loading' }])
    await local
    expect(await impatient.ask()).toBe('local')
  })

  it('asks the other server when too many requests wait', async () => {
    const { ask, reasons, engine } = create({ maxWaiting: 2, numWaiting: 3 })
    expect(await ask()).toBe('remote')
    expect(reasons).toEqual([{ reason: 'busy', numWaiting: 3 }])
    expect(engine.requests).toEqual([])
  })

  const error = { message: 'Out of memory', code: 500 }
  it.each<[string, Setup, object]>([
    ['throws', { local: [new EngineError('device-lost', 'gone')] }, { error: { message: 'gone' } }],
    ['answers 503', { local: [new Response('', { status: 503 })] }, { status: 503 }],
    ['has no such thing', { local: [new Response('', { status: 404 })] }, { status: 404 }],
    ['breaks off at once', { local: [broken] }, { error: { message: 'terminated' } }],
    ['streams nothing but an error', { local: [sse(frame({ error }), done)] }, { status: 500 }],
    [
      'has no stats',
      { numWaiting: new Error('gone'), maxWaiting: 1 },
      { error: { message: 'gone' } },
    ],
    [
      'is to be judged so',
      { local: [new Response('', { status: 418 })], isFailure: (status) => status === 418 },
      { status: 418 },
    ],
  ])('asks the other server when the engine %s', async (_, setup, reason) => {
    const { ask, reasons, server } = create(setup)
    expect(await ask()).toBe('remote')
    expect(reasons).toMatchObject([{ reason: 'failed', ...reason }])
    expect(server.bodies).toEqual(['{"model":"small","n":1}'])
  })

  it('never changes over once content has come', async () => {
    const stream = openStream()
    const { ask, server } = create({ local: [stream.response] })
    stream.send(delta({ content: 'a' }))
    const text = ask()
    await pause(5)
    stream.fail(new TypeError('terminated'))
    await expect(text).rejects.toThrow('terminated')
    expect(server.requests).toEqual([])
  })

  it('frees what the engine answered', async () => {
    const stream = openStream()
    const { ask } = create({ local: [new Response(stream.response.body, { status: 500 })] })
    await ask()
    expect(stream.state.cancelled).toBe(true)
  })

  it('sends the request with the URL, key, headers and model of the other server', async () => {
    const { fetch, server } = create({
      local: new Error('none'),
      remote: { apiKey: 'secret', model: 'large', headers: { 'x-team': 'a' } },
    })
    const headers = { authorization: 'Bearer none', 'x-api-key': 'none', 'x-request-id': '7' }
    Object.assign(headers, { 'content-type': 'application/json' })
    await fetch(`${localURL}?a=b`, post({ model: 'small', n: 1 }, { headers }))
    const [request] = server.requests
    expect(request?.url).toBe('https://vllm.example/v1/chat/completions?a=b')
    expect(request?.method).toBe('POST')
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      authorization: 'Bearer secret',
      'x-request-id': '7',
      'x-team': 'a',
    })
    expect(request?.headers.has('x-api-key')).toBe(false)
    expect(JSON.parse(server.bodies[0]!)).toEqual({ model: 'large', n: 1 })
  })

  it('does not pass keys on that were meant for the engine', async () => {
    const { fetch, server } = create({ local: new Error('none') })
    await fetch(localURL, post({}, { headers: { authorization: 'Bearer mine' } }))
    expect(server.requests[0]?.headers.has('authorization')).toBe(false)
  })

  it.each([
    ['https://a.example/v1', 'http://quire.localhost/v1/models', 'https://a.example/v1/models'],
    [
      'https://a.example/x/v1/',
      'http://quire.localhost/v1/models',
      'https://a.example/x/v1/models',
    ],
    [
      'https://a.example/openai',
      'http://quire.localhost/v1/models',
      'https://a.example/openai/models',
    ],
    ['https://a.example/v1', 'http://quire.localhost/tokenize', 'https://a.example/tokenize'],
  ])('at %s, %s is %s', async (baseURL, local, expected) => {
    const { fetch, server } = create({ local: new Error('none'), remote: { baseURL, model: 'm' } })
    await fetch(local)
    expect(server.requests[0]?.url).toBe(expected)
    expect(server.requests[0]?.method).toBe('GET')
  })

  it.each(['not JSON', '[1]', '"text"'])('leaves a body as it is: %s', async (body) => {
    const { ask, server } = create({ local: new Error('none'), remote: { model: 'large' } })
    await ask({ method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect(server.bodies).toEqual([body])
  })

  it('leaves bytes that are no text as they are', async () => {
    const { ask, server } = create({ local: new Error('none'), remote: { model: 'large' } })
    const bytes = Uint8Array.of(0, 255, 254, 1)
    await ask({ method: 'POST', body: bytes })
    expect(new Uint8Array((await server.requests[0]?.arrayBuffer()) ?? [])).toEqual(bytes)
  })

  it.each([
    ['loads', new Promise<LocalEngine>(() => {})],
    ['answers', [silence]],
  ])('does not change over when the signal aborts while the engine %s', async (_, local) => {
    const controller = new AbortController()
    const { ask, server, reasons } = create({ local })
    const asked = ask(post({}, { signal: controller.signal }))
    await settle()
    controller.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    expect(server.requests).toEqual([])
    expect(reasons).toEqual([])
  })

  it('passes the signal to the other server', async () => {
    const { signal } = new AbortController()
    const { ask, server } = create({ local: new Error('none') })
    await ask(post({}, { signal }))
    expect(server.signals).toEqual([signal])
  })
})
