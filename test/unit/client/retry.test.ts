import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { withRetry, type RetryEvent, type RetryOptions } from '../../../src/client/retry.ts'
import { readText } from '../../../src/client/watch-body.ts'
import {
  countListeners,
  delta,
  done,
  finish,
  frame,
  openStream,
  post,
  scriptedFetch,
  settle,
  silence,
  sse,
  url,
  type Step,
} from './scripted-fetch.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const status = (code: number, headers: Record<string, string> = {}) =>
  new Response('{}', { status: code, headers })
const ok = () => new Response('fine')

/** Sends one request through the steps with all waits made short. */
const run = async (steps: readonly Step[], options: RetryOptions = {}, init?: RequestInit) => {
  const events: RetryEvent[] = []
  const server = scriptedFetch(...steps)
  const onRetry = (event: RetryEvent) => void events.push(event)
  const sent = withRetry(server.fetch, { onRetry, ...options })(url, init ?? post({ a: 1 }))
  sent.catch(() => {})
  await vi.runAllTimersAsync()
  return { sent, server, events, delays: events.map(({ delayMs }) => delayMs) }
}

describe('withRetry', () => {
  it('sends the same request again until it succeeds', async () => {
    const { sent, server, events } = await run([status(503), new TypeError('fetch failed'), ok()])
    expect(await readText(await sent)).toBe('fine')
    expect(server.bodies).toEqual(['{"a":1}', '{"a":1}', '{"a":1}'])
    expect(server.requests.map(({ headers }) => headers.get('content-type'))).toEqual(
      Array(3).fill('application/json'),
    )
    expect(events).toMatchObject([
      { retry: 1, status: 503 },
      { retry: 2, error: { message: 'fetch failed' } },
    ])
  })

  it('takes a Request', async () => {
    const { fetch, bodies } = scriptedFetch(status(500), ok())
    const sent = withRetry(fetch)(new Request(url, post('b')))
    await vi.runAllTimersAsync()
    expect((await sent).status).toBe(200)
    expect(bodies).toEqual(['"b"', '"b"'])
  })

  it('gives the last failure as it is', async () => {
    const busy = await run([status(500), status(500), status(503)])
    expect((await busy.sent).status).toBe(503)
    expect(busy.server.requests).toHaveLength(3)
    const down = await run([new TypeError('a'), new TypeError('b')], { maxRetries: 1 })
    await expect(down.sent).rejects.toThrow('b')
  })

  it('waits a random part of a time that doubles up to a limit', async () => {
    const steps = Array.from({ length: 7 }, () => status(500))
    const { delays } = await run(steps, { maxRetries: 6, minDelayMs: 100, maxDelayMs: 1000 })
    expect(delays).toEqual([50, 100, 200, 400, 500, 500])
    vi.mocked(Math.random).mockReturnValue(0)
    expect((await run([status(500), ok()])).delays).toEqual([0])
  })

  it.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': new Date(1_700_000_009_000).toUTCString() }, 9000],
    [{ 'retry-after': new Date(1_600_000_000_000).toUTCString() }, 0],
    [{ 'retry-after': 'soon' }, 250],
    [{ 'retry-after-ms': '30', 'retry-after': '7' }, 30],
  ])('waits as %j says', async (headers, delayMs) => {
    vi.setSystemTime(1_700_000_000_000)
    expect((await run([status(429, headers), ok()])).delays).toEqual([delayMs])
  })

  it('does not wait longer than it may', async () => {
    const { sent, delays } = await run([status(429, { 'retry-after': '61' })])
    expect((await sent).status).toBe(429)
    expect(delays).toEqual([])
  })

  it.each([408, 409, 429, 500, 502, 503, 504])('tries again after %i', async (code) => {
    expect((await (await run([status(code), ok()])).sent).status).toBe(200)
  })

  it.each([400, 401, 404, 422, 501])('does not try again after %i', async (code) => {
    expect((await (await run([status(code)])).sent).status).toBe(code)
  })

  it.each([
    [new DOMException('late', 'TimeoutError'), 2],
    [new EngineError('network', 'no network'), 2],
    [new EngineError('disposed', 'gone'), 1],
    [new DOMException('stop', 'AbortError'), 1],
    [new Error('a bug'), 1],
  ])('judges %s', async (error, numRequests) => {
    const { server } = await run([error, ok()])
    expect(server.requests).toHaveLength(numRequests)
  })

  it('lets the caller judge', async () => {
    const options: RetryOptions = {
      isRetryableStatus: (code) => code === 418,
      isRetryableError: () => false,
    }
    expect((await run([status(418), status(500)], options)).server.requests).toHaveLength(2)
    expect((await run([new TypeError('x')], options)).server.requests).toHaveLength(1)
  })

  it('tries again when the body breaks or tells an error before its first data', async () => {
    const broken = openStream()
    broken.fail(new TypeError('terminated'))
    const error = frame({ error: { message: 'x', code: 500 } })
    const spaced = 'data: {"error": {"message": "x", "code": 503}}\n\n'
    const { sent, events } = await run(
      [
        () => broken.response,
        sse(': ping\n\n', error.slice(0, 9), error.slice(9), done),
        sse(spaced, done),
        sse(delta({ content: 'a' }), finish(), done),
      ],
      { maxRetries: 3 },
    )
    expect(await readText(await sent)).toBe(delta({ content: 'a' }) + finish() + done)
    expect(events.map((event) => event.status ?? String(event.error))).toEqual([
      'TypeError: terminated',
      500,
      503,
    ])
  })

  it('does not try again after an error that is the request', async () => {
    const text = frame({ error: { message: 'x', code: 400 } }) + done
    const { sent, server } = await run([sse(text)])
    expect(await readText(await sent)).toBe(text)
    expect(server.requests).toHaveLength(1)
  })

  it('never tries again after the first data', async () => {
    const stream = openStream()
    stream.send(delta({ content: 'a' }))
    const { sent, server } = await run([() => stream.response, ok()])
    const text = readText(await sent)
    stream.send(frame({ error: { message: 'x', code: 500 } }))
    stream.fail(new TypeError('terminated'))
    await expect(text).rejects.toThrow('terminated')
    await vi.runAllTimersAsync()
    expect(server.requests).toHaveLength(1)
  })

  it('frees the bodies that it does not give out', async () => {
    const stream = openStream()
    const failed = new Response(stream.response.body, { status: 500 })
    await run([failed, ok()])
    expect(stream.state.cancelled).toBe(true)
  })

  it('passes cancelling on, with bytes still to be read', async () => {
    const stream = openStream()
    stream.send(delta({ content: 'a' }))
    const { sent } = await run([() => stream.response])
    await (await sent).body?.cancel()
    expect(stream.state.cancelled).toBe(true)
  })

  it.each([
    ['a wait', status(500)],
    ['a request', silence],
    ['a body without data', () => openStream().response],
  ])('ends %s when the signal aborts, and leaves no listener', async (_, step) => {
    const controller = new AbortController()
    const listeners = countListeners(controller.signal)
    const { fetch, requests } = scriptedFetch(step, ok())
    const sent = withRetry(fetch)(url, post({}, { signal: controller.signal }))
    sent.catch(() => {})
    await vi.advanceTimersByTimeAsync(1)
    controller.abort(new Error('enough'))
    await expect(sent).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
    await settle()
    expect(requests).toHaveLength(1)
    expect(listeners.now()).toBe(0)
  })

  it("takes a timeout of the caller's own signal for the end", async () => {
    const controller = new AbortController()
    const { signal } = controller
    const onRetry = vi.fn<(event: RetryEvent) => void>()
    const sent = withRetry(scriptedFetch(silence).fetch, { onRetry })(url, { signal })
    controller.abort(new DOMException('late', 'TimeoutError'))
    await expect(sent).rejects.toThrow('late')
    expect(onRetry).not.toHaveBeenCalled()
  })

  it('leaves no listener after an answer', async () => {
    const controller = new AbortController()
    const listeners = countListeners(controller.signal)
    const init = post({}, { signal: controller.signal })
    const { sent } = await run([status(500), ok()], {}, init)
    await readText(await sent)
    expect(listeners.now()).toBe(0)
  })
})
