import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withTimeout } from '../../../src/client/timeout.ts'
import { readText } from '../../../src/client/watch-body.ts'
import {
  countListeners,
  openStream,
  post,
  scriptedFetch,
  settle,
  silence,
  url,
} from './scripted-fetch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const timeoutError = expect.objectContaining({ name: 'TimeoutError' })

describe('withTimeout', () => {
  it.each([{ idleMs: 100 }, { totalMs: 100 }])(
    'ends a wait for the response: %j',
    async (options) => {
      const { fetch, signals } = scriptedFetch(silence)
      const sent = withTimeout(fetch, options)(url, post({}))
      const rejection = expect(sent).rejects.toEqual(timeoutError)
      await vi.advanceTimersByTimeAsync(99)
      expect(signals[0]?.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      await rejection
      expect(signals[0]?.aborted).toBe(true)
    },
  )

  it('ends a wait within the body, and frees it', async () => {
    const stream = openStream()
    const { fetch } = scriptedFetch(stream.response)
    const reader = (await withTimeout(fetch, { idleMs: 100 })(url)).body!.getReader()
    for (const text of ['a', 'b', 'c']) {
      const read = reader.read()
      await vi.advanceTimersByTimeAsync(99)
      stream.send(text)
      expect(new TextDecoder().decode((await read).value)).toBe(text)
    }
    const rejection = expect(reader.read()).rejects.toEqual(timeoutError)
    await vi.advanceTimersByTimeAsync(100)
    await rejection
    expect(stream.state.cancelled).toBe(true)
  })

  it('does not count the time in which nobody reads as idle', async () => {
    const stream = openStream()
    const { fetch } = scriptedFetch(stream.response)
    const reader = (await withTimeout(fetch, { idleMs: 100 })(url)).body!.getReader()
    for (const text of ['a', 'b']) {
      await vi.advanceTimersByTimeAsync(10_000)
      const read = reader.read()
      stream.send(text)
      expect(new TextDecoder().decode((await read).value)).toBe(text)
    }
  })

  it('counts the whole time, read or not', async () => {
    const stream = openStream()
    const { fetch } = scriptedFetch(stream.response)
    const response = await withTimeout(fetch, { totalMs: 100 })(url)
    stream.send('a')
    await vi.advanceTimersByTimeAsync(100)
    expect(stream.state.cancelled).toBe(true)
    await expect(readText(response)).rejects.toEqual(timeoutError)
  })

  it.each(['read to its end', 'cancelled', 'broken', 'refused', 'empty'])(
    'leaves neither timer nor listener when %s',
    async (how) => {
      const { signal } = new AbortController()
      const listeners = countListeners(signal)
      const stream = openStream()
      const answer = how === 'empty' ? new Response(null, { status: 204 }) : stream.response
      const { fetch } = scriptedFetch(how === 'refused' ? new TypeError('refused') : answer)
      const sent = withTimeout(fetch, { idleMs: 100, totalMs: 1000 })(url, { signal })
      if (how === 'refused') await expect(sent).rejects.toThrow('refused')
      else {
        const response = await sent
        const text = how === 'cancelled' ? response.body?.cancel() : readText(response)
        const end = how === 'broken' ? expect(text).rejects.toThrow('terminated') : text
        if (how === 'broken') stream.fail(new TypeError('terminated'))
        if (how === 'read to its end') stream.close()
        await end
      }
      expect(vi.getTimerCount()).toBe(0)
      expect(listeners.now()).toBe(0)
    },
  )

  it("obeys the caller's signal, before the response and after it", async () => {
    const before = new AbortController()
    const { fetch } = scriptedFetch(silence)
    const sent = withTimeout(fetch, { totalMs: 100 })(url, { signal: before.signal })
    const rejection = expect(sent).rejects.toThrow('enough')
    await settle()
    before.abort(new Error('enough'))
    await rejection

    const after = new AbortController()
    const stream = openStream()
    const answering = scriptedFetch(stream.response)
    const init = { signal: after.signal }
    const response = await withTimeout(answering.fetch, { totalMs: 100 })(url, init)
    after.abort(new Error('enough now'))
    expect(stream.state.cancelled).toBe(true)
    await expect(readText(response)).rejects.toThrow('enough now')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('frees a response that comes too late', async () => {
    const stream = openStream()
    const late = () => new Promise<Response>((resolve) => setTimeout(resolve, 200, stream.response))
    const sent = withTimeout(late, { totalMs: 100 })(url)
    const rejection = expect(sent).rejects.toEqual(timeoutError)
    await vi.advanceTimersByTimeAsync(200)
    await rejection
    expect(stream.state.cancelled).toBe(true)
  })
})
