import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  withCircuitBreaker,
  type CircuitBreakerOptions,
} from '../../../src/client/circuit-breaker.ts'
import { readText } from '../../../src/client/watch-body.ts'
import { openStream, scriptedFetch, settle, silence, url, type Step } from './scripted-fetch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const bad = () => new Response(null, { status: 500 })
const good = () => new Response('fine')

const create = (steps: readonly Step[], options: CircuitBreakerOptions = {}) => {
  const states: string[] = []
  const { fetch, requests } = scriptedFetch(...steps)
  const guarded = withCircuitBreaker(fetch, {
    failureThreshold: 2,
    resetMs: 1000,
    onStateChange: (state) => void states.push(state),
    ...options,
  })
  /** The statuses of so many requests, each read to its end; 0 for those that throw. */
  const send = async (count: number) => {
    const statuses: number[] = []
    for (let sent = 0; sent < count; sent++) {
      try {
        const response = await guarded(url)
        await readText(response)
        statuses.push(response.status)
      } catch {
        statuses.push(0)
      }
    }
    return statuses
  }
  return { guarded, requests, states, send }
}

describe('withCircuitBreaker', () => {
  it('opens after failures in a row, and answers 503 by itself', async () => {
    const { guarded, requests, states, send } = create([bad(), new TypeError('refused')])
    expect(await send(3)).toEqual([500, 0, 503])
    expect(requests).toHaveLength(2)
    expect(states).toEqual(['open'])
    const response = await guarded(url)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toEqual({
      error: {
        message: expect.stringContaining('tried again in 1 s'),
        type: 'ServiceUnavailableError',
        param: null,
        code: 503,
      },
    })
  })

  it('counts only failures in a row', async () => {
    const { send, states } = create([bad(), good(), bad(), good()])
    expect(await send(4)).toEqual([500, 200, 500, 200])
    expect(states).toEqual([])
  })

  it('lets one request try after a while, and closes if that is answered', async () => {
    const { guarded, send, states, requests } = create([bad(), bad(), silence, good()])
    await send(2)
    await vi.advanceTimersByTimeAsync(1000)
    const leaving = new AbortController()
    const trial = guarded(url, { signal: leaving.signal })
    trial.catch(() => {})
    await settle()
    expect(await send(1)).toEqual([503])
    expect(requests).toHaveLength(3)
    leaving.abort()
    await settle()
    expect(await send(1)).toEqual([200])
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  })

  it('opens again if that fails', async () => {
    const { send, states } = create([bad(), bad(), bad(), good()])
    await send(2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await send(2)).toEqual([500, 503])
    await vi.advanceTimersByTimeAsync(1000)
    expect(await send(1)).toEqual([200])
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  })

  it('counts bodies that break off, but not those that the caller ends', async () => {
    const streams = Array.from({ length: 6 }, openStream)
    const { guarded, states } = create(streams.map(({ response }) => response))
    for (const { fail } of streams.slice(0, 1)) {
      const text = readText(await guarded(url))
      fail(new TypeError('terminated'))
      await expect(text).rejects.toThrow('terminated')
    }
    await (await guarded(url)).body?.cancel()
    const controller = new AbortController()
    await guarded(url, { signal: controller.signal })
    controller.abort()
    await settle()
    expect(states).toEqual([])
    const text = readText(await guarded(url))
    streams[3]?.fail(new TypeError('terminated'))
    await expect(text).rejects.toThrow('terminated')
    expect(states).toEqual(['open'])
  })

  it('takes answers that refuse for answers', async () => {
    const refusals = [400, 429, 501].map((status) => new Response(null, { status }))
    expect(await create(refusals).send(3)).toEqual([400, 429, 501])
  })

  it('lets the caller judge', async () => {
    const steps = Array.from({ length: 2 }, () => new Response(null, { status: 429 }))
    const { send } = create(steps, { isFailure: ({ status }) => status === 429 })
    expect(await send(3)).toEqual([429, 429, 503])
  })
})
