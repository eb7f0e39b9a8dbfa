import { describe, expect, it } from 'vitest'
import { withConcurrencyLimit } from '../../../src/client/concurrency-limit.ts'
import { readText } from '../../../src/client/watch-body.ts'
import { openStream, scriptedFetch, settle, silence, url } from './scripted-fetch.ts'

/** A limit of 1 whose first place is taken by `first`, with two requests that wait for it. */
const crowd = async (first = openStream()) => {
  const second = openStream()
  const server = scriptedFetch(first.response, second.response, new Response('third'))
  const fetch = withConcurrencyLimit(server.fetch, 1)
  const leaving = new AbortController()
  const a = await fetch(`${url}/a`)
  const b = fetch(`${url}/b`, { signal: leaving.signal })
  b.catch(() => {})
  const c = fetch(`${url}/c`)
  await settle()
  const order = () => server.requests.map((request) => request.url.at(-1)).join('')
  expect(order()).toBe('a')
  return { first, second, leaving, a, b, c, order }
}

describe('withConcurrencyLimit', () => {
  it('lets the next one in, in order, when a body is read to its end', async () => {
    const { first, second, a, b, c, order } = await crowd()
    const text = readText(a)
    first.send('a')
    await settle()
    expect(order()).toBe('a')
    first.close()
    expect(await text).toBe('a')
    await settle()
    expect(order()).toBe('ab')
    second.close()
    await readText(await b)
    expect(await readText(await c)).toBe('third')
    expect(order()).toBe('abc')
  })

  it('does so when a body is cancelled, or breaks', async () => {
    const { a, b, second, order } = await crowd()
    await a.body?.cancel()
    const text = readText(await b)
    expect(order()).toBe('ab')
    second.fail(new TypeError('terminated'))
    await expect(text).rejects.toThrow('terminated')
    await settle()
    expect(order()).toBe('abc')
  })

  it('does so when a request fails, has no body, or its signal aborts', async () => {
    const controller = new AbortController()
    const server = scriptedFetch(
      new TypeError('refused'),
      new Response(null, { status: 204 }),
      openStream().response,
      silence,
      new Response('last'),
    )
    const fetch = withConcurrencyLimit(server.fetch, 1)
    const { signal } = controller
    await expect(fetch(url)).rejects.toThrow('refused')
    await fetch(url)
    await fetch(url, { signal })
    const unanswered = new AbortController()
    const fourth = fetch(url, { signal: unanswered.signal })
    const last = fetch(url)
    await settle()
    expect(server.requests).toHaveLength(3)
    controller.abort()
    await settle()
    expect(server.requests).toHaveLength(4)
    unanswered.abort(new Error('enough'))
    await expect(fourth).rejects.toThrow('enough')
    expect(await readText(await last)).toBe('last')
  })

  it('forgets a request that gives up waiting', async () => {
    const { a, b, c, leaving, order } = await crowd()
    leaving.abort(new Error('enough'))
    await expect(b).rejects.toThrow('enough')
    await a.body?.cancel()
    await c
    expect(order()).toBe('ac')
  })

  it('loses no place when a request gives up in the moment of its turn', async () => {
    const { a, b, c, leaving, order } = await crowd()
    void a.body?.cancel()
    leaving.abort(new Error('enough'))
    await expect(b).rejects.toThrow('enough')
    await c
    expect(order()).toBe('ac')
  })

  it('sends as many at once as it may', async () => {
    const server = scriptedFetch(silence, silence, silence)
    const fetch = withConcurrencyLimit(server.fetch, 2)
    for (let count = 0; count < 3; count++) void fetch(url)
    await settle()
    expect(server.requests).toHaveLength(2)
  })

  it.each([0, -1, Number.NaN])('refuses a limit of %d', (limit) => {
    expect(() => withConcurrencyLimit(fetch, limit)).toThrow(/limit is .* at least 1/)
  })
})
