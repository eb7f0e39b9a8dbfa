import { expect, it } from 'vitest'
import { serve } from '../../../src/node/serve.ts'

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Answers after a while, in two pieces. */
const slowly = async (): Promise<Response> =>
  new Response(
    new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('begun '))
        await wait(200)
        controller.enqueue(new TextEncoder().encode('done'))
        controller.close()
      },
    }),
  )

const never = async () => new Response(new ReadableStream<Uint8Array>())

it('names a port that is taken', async () => {
  const first = await serve(slowly, { port: 0 })
  const port = Number(new URL(first.url).port)
  await expect(serve(slowly, { port })).rejects.toMatchObject({
    code: 'network',
    message: expect.stringMatching(`127.0.0.1, port ${port}: another program`),
  })
  await first.close()
})

it('names ports and hosts that can not be', async () => {
  await expect(serve(slowly, { port: 70_000 })).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('ports go from 0'),
  })
  await expect(serve(slowly, { host: '203.0.113.1', port: 0 })).rejects.toMatchObject({
    message: expect.stringContaining('this machine has no such address'),
  })
})

it('writes IPv6 addresses as an URL does', async () => {
  const server = await serve(slowly, { port: 0, host: '::1' })
  expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
  expect(await (await fetch(server.url)).text()).toBe('begun done')
  await server.close()
})

it('closes once running answers are complete, and takes no new connections', async () => {
  const server = await serve(slowly, { port: 0 })
  const running = await fetch(server.url)
  const closed = server.close(60_000)
  await expect(fetch(server.url, { headers: { connection: 'close' } })).rejects.toThrow()
  expect(await running.text()).toBe('begun done')
  // The connection that fetch keeps would otherwise hold the server open for seconds.
  const late = wait(2000).then(() => 'late')
  expect(await Promise.race([closed, late])).toBeUndefined()
})

it('cuts off what is not complete in time', async () => {
  const server = await serve(never, { port: 0 })
  const running = await fetch(server.url)
  const started = performance.now()
  await server.close(100)
  expect(performance.now() - started).toBeLessThan(2000)
  await expect(running.text()).rejects.toThrow()
})

it('closes twice without harm', async () => {
  const server = await serve(slowly, { port: 0 })
  await server.close()
  await server.close()
})
