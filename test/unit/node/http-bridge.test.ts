import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpServer, serve } from '../../../src/node/serve.ts'
import type { FetchHandler } from '../../../src/server/create-fetch.ts'

const open: HttpServer[] = []

const start = async (handle: FetchHandler) => {
  const server = await serve(handle, { port: 0 })
  open.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

const bytes = (text: string) => new TextEncoder().encode(text)

/** A body whose chunks are sent by hand. */
const byHand = () => {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let cancelled!: () => void
  const whenCancelled = new Promise<void>((resolve) => (cancelled = resolve))
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => cancelled(),
  })
  return { body, controller, whenCancelled }
}

/** Sends bytes as they are, and resolves to all that comes back until the connection closes. */
const sendRaw = (url: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => (answer += String(chunk)))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })

const oneRequest = (line: string) => `${line}\r\nHost: a\r\nConnection: close\r\n\r\n`

describe('requests', () => {
  it('reach the handler with method, address, headers and body', async () => {
    const { url } = await start(async (request) =>
      Response.json([
        request.method,
        new URL(request.url).pathname + new URL(request.url).search,
        request.headers.get('x-twice'),
        await request.text(),
      ]),
    )
    const headers = [
      ['x-twice', 'a'],
      ['x-twice', 'b'],
    ] as [string, string][]
    const answer = await fetch(`${url}/a/b?c=d`, { method: 'POST', body: 'hé', headers })
    expect(await answer.json()).toEqual(['POST', '/a/b?c=d', 'a, b', 'hé'])
  })

  it('stream in as they are read', async () => {
    const { url } = await start(async (request) => {
      const { value } = await request.body!.getReader().read()
      return new Response(value ?? null)
    })
    const { body, controller } = byHand()
    controller.enqueue(bytes('first'))
    // Without an end: the handler answers what it has.
    const answer = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(await answer.text()).toBe('first')
    controller.close()
  })

  it('may be large', async () => {
    const { url } = await start(async (request) =>
      Response.json((await request.arrayBuffer()).byteLength),
    )
    const body = new Uint8Array(12_000_000)
    expect(await (await fetch(url, { method: 'POST', body })).json()).toBe(body.length)
  })

  it('that nobody reads leave the connection usable', async () => {
    const { url } = await start(async () => new Response('no', { status: 400 }))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const post = () =>
      new Promise<[string, number | undefined]>((resolve, reject) => {
        const sent = httpRequest(url, { method: 'POST', agent }, (answer: IncomingMessage) => {
          const { localPort } = answer.socket
          void buffer(answer).then((body) => resolve([body.toString(), localPort]))
        })
        sent.on('error', reject)
        sent.end(new Uint8Array(5_000_000))
      })
    const [first, port] = await post()
    expect(first).toBe('no')
    expect(await post()).toEqual(['no', port])
    agent.destroy()
  })

  it('of a kind that can not be are answered 400', async () => {
    const { url } = await start(async () => new Response('fine'))
    for (const line of ['GET http:// HTTP/1.1', 'GET * HTTP/1.1', 'TRACE / HTTP/1.1']) {
      expect(await sendRaw(url, oneRequest(line))).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    }
    expect(await sendRaw(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await (await fetch(url)).text()).toBe('fine')
  })

  it('may name a path of slashes, or the whole address', async () => {
    const { url } = await start(async (request) => new Response(new URL(request.url).pathname))
    expect(await sendRaw(url, oneRequest('GET //a//b HTTP/1.1'))).toContain('//a//b')
    expect(await sendRaw(url, oneRequest('GET http://x.test/c HTTP/1.1'))).toContain('/c')
  })
})

describe('answers', () => {
  it('tell status and headers before their body has begun', async () => {
    const { body, controller } = byHand()
    const { url } = await start(
      async () => new Response(body, { status: 201, headers: { 'x-a': 'b' } }),
    )
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get('x-a')]).toEqual([201, 'b'])
    const reader = answer.body!.getReader()
    controller.enqueue(bytes('one'))
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('one')
    controller.close()
    expect((await reader.read()).done).toBe(true)
  })

  it('to HEAD have no body', async () => {
    const { body, whenCancelled } = byHand()
    const { url } = await start(async () => new Response(body))
    const answer = await fetch(url, { method: 'HEAD' })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
    await whenCancelled
  })

  it('wait for a slow reader', async () => {
    let sent = 0
    const chunk = new Uint8Array(100_000)
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 1
          if (sent <= 300) controller.enqueue(chunk)
          else controller.close()
        },
      })
    const { url } = await start(async () => new Response(body()))
    const answer = await fetch(url)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent).toBeLessThan(200)
    expect((await answer.arrayBuffer()).byteLength).toBe(30_000_000)
  })

  it('that fail before they begin are a 500', async () => {
    const { url } = await start(() => Promise.reject(new Error('broken')))
    const answer = await fetch(url)
    expect(answer.status).toBe(500)
    expect(await answer.json()).toMatchObject({ error: { message: 'Error: broken', code: 500 } })
  })

  it('that fail midway are cut off', async () => {
    const { body, controller } = byHand()
    const { url } = await start(async () => new Response(body))
    const answer = await fetch(url)
    controller.enqueue(bytes('one'))
    controller.error(new Error('broken'))
    await expect(answer.text()).rejects.toThrow()
  })
})

describe('a client that goes away', () => {
  it('during the answer cancels its body', async () => {
    const { body, controller, whenCancelled } = byHand()
    const { url } = await start(async () => new Response(body))
    const client = new AbortController()
    const answer = await fetch(url, { signal: client.signal })
    controller.enqueue(bytes('one'))
    await answer.body!.getReader().read()
    client.abort()
    await whenCancelled
  })

  it('before the answer aborts the signal', async () => {
    let began!: () => void
    const hasBegun = new Promise<void>((resolve) => (began = resolve))
    let aborted!: () => void
    const isAborted = new Promise<void>((resolve) => (aborted = resolve))
    const { url } = await start(
      ({ signal }) =>
        new Promise((_, reject) => {
          began()
          signal.addEventListener('abort', () => {
            aborted()
            reject(signal.reason)
          })
        }),
    )
    const client = new AbortController()
    const answer = fetch(url, { signal: client.signal })
    await hasBegun
    client.abort()
    await expect(answer).rejects.toThrow()
    await isAborted
  })

  it('aborts a signal whose request nobody holds any more', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    let began!: () => void
    const hasBegun = new Promise<void>((resolve) => (began = resolve))
    let aborted!: () => void
    const isAborted = new Promise<void>((resolve) => (aborted = resolve))
    const { url } = await start(({ signal }) => {
      signal.addEventListener('abort', () => aborted())
      began()
      return new Promise(() => {})
    })
    const client = new AbortController()
    const answer = fetch(url, { signal: client.signal })
    await hasBegun
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      collectGarbage()
    }
    client.abort()
    await expect(answer).rejects.toThrow()
    await isAborted
  })

  it('after the answer aborts nothing', async () => {
    let signal: AbortSignal | null = null
    const { url } = await start(async (request) => {
      signal = request.signal
      return new Response('done')
    })
    await (await fetch(url, { headers: { connection: 'close' } })).text()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(signal!.aborted).toBe(false)
  })
})
