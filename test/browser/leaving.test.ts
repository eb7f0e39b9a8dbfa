import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cdp } from 'vitest/browser'
import { createEngine, type Engine } from '../../src/index.ts'
import { endlessChat } from './leaving/endless-chat.ts'

// What becomes of an answer when whoever reads it is gone, in each of the ways to leave.

let engine: Engine
beforeAll(async () => {
  engine = await createEngine({ model: '/starter-model/' })
})
afterAll(() => engine?.dispose())

const isFree = async () => {
  const { numRunning, numWaiting, numFreeBlocks, numBlocks } = await engine.stats()
  return numRunning + numWaiting === 0 && numFreeBlocks === numBlocks
}

const untilFree = () => expect.poll(isFree, { interval: 1 }).toBe(true)

/** Left alone, the answer would go on for hundreds of steps. */
const expectFreedAtOnce = async (giveUp: () => unknown) => {
  const { numRunning, numSteps } = await engine.stats()
  expect(numRunning).toBe(1)
  await giveUp()
  await untilFree()
  // One while the news was on its way, and those that were under way when it came.
  expect((await engine.stats()).numSteps - numSteps).toBeLessThanOrEqual(4)
}

const firstPiece = async ({ body }: Response) => {
  const reader = body!.getReader()
  await reader.read()
  return reader
}

describe('an answer is freed at once', () => {
  it('when its body is cancelled', async () => {
    const reader = await firstPiece(await endlessChat(engine))
    await expectFreedAtOnce(() => reader.cancel())
  })

  it('when its signal aborts, and the reader learns of it', async () => {
    const client = new AbortController()
    const reader = await firstPiece(await endlessChat(engine, client))
    await expectFreedAtOnce(() => client.abort())
    await expect(reader.read()).rejects.toThrow(/abort/i)
  })

  it('when its signal aborts before its head is there', async () => {
    const client = new AbortController()
    const answer = endlessChat(engine, { signal: client.signal, stream: false })
    const rejection = expect(answer).rejects.toThrow(/abort/i)
    await expect.poll(async () => (await engine.stats()).numRunning).toBe(1)
    await expectFreedAtOnce(() => client.abort())
    await rejection
  })
})

/** A worker that reads the body of an answer, once it has read a piece. */
const handOver = async ({ body }: Response): Promise<Worker> => {
  const worker = new Worker(new URL('./leaving/reader.worker.ts', import.meta.url), {
    type: 'module',
  })
  // TypeScript's DOM types do not list ReadableStream as transferable.
  worker.postMessage(body, [body as unknown as Transferable])
  await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }))
  return worker
}

/** A frame that has read a piece of the body of an answer, which it was given. */
const handOverToFrame = async ({ body }: Response): Promise<HTMLIFrameElement> => {
  const frame = document.createElement('iframe')
  frame.srcdoc = `<script>
    addEventListener('message', async ({ data }) => {
      window.reader = data.getReader()
      await window.reader.read()
      parent.postMessage('read')
    })
  </script>`
  document.body.append(frame)
  await new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  const hasRead = new Promise<void>((resolve) => {
    addEventListener('message', ({ source }) => source === frame.contentWindow && resolve())
  })
  frame.contentWindow!.postMessage(body, '*', [body as unknown as Transferable])
  await hasRead
  return frame
}

describe('an answer whose body was transferred on', () => {
  it('is freed at once when it is cancelled there', async () => {
    const worker = await handOver(await endlessChat(engine))
    await expectFreedAtOnce(() => worker.postMessage('cancel'))
    worker.terminate()
  })

  it('is freed at once by its signal, when the frame that read it is gone', async () => {
    const client = new AbortController()
    const frame = await handOverToFrame(await endlessChat(engine, client))
    frame.remove()
    await expectFreedAtOnce(() => client.abort())
  })

  // Chromium 156 tells nobody when the other end of a transferred stream or of a port dies.
  it('is over at its last token at the latest, where nobody says that its reader is gone', async () => {
    const { numFinished: before } = await engine.stats()
    const worker = await handOver(await endlessChat(engine, { tokens: 60 }))
    worker.terminate()
    const frame = await handOverToFrame(await endlessChat(engine, { tokens: 60 }))
    frame.remove()
    await firstPiece(await endlessChat(engine, { tokens: 60 }))
    await cdp().send('HeapProfiler.collectGarbage')
    await untilFree()
    const { numFinished: after } = await engine.stats()
    expect(after.length + after.abort - before.length - before.abort).toBe(3)
  })
})

/** Opens a page that has an engine of its own. Resolves when an answer streams there. */
const openOwner = async (open: (html: string) => () => void): Promise<() => void> => {
  const channel = new BroadcastChannel('leaving')
  const streams = new Promise((resolve) => channel.addEventListener('message', resolve))
  const script = new URL('./leaving/page.ts', import.meta.url).href
  const html = `<!doctype html><script type="module" src="${script}"></script>`
  const close = open(html)
  await streams
  channel.close()
  return close
}

const holdsLock = async () =>
  (await navigator.locks.query()).held?.some(({ name }) => name === 'engine-worker') ?? false

describe('a page with an engine of its own takes its worker along', () => {
  it('when it was a frame', async () => {
    const close = await openOwner((html) => {
      const frame = document.createElement('iframe')
      frame.srcdoc = html
      document.body.append(frame)
      return () => frame.remove()
    })
    expect(await holdsLock()).toBe(true)
    close()
    await expect.poll(holdsLock).toBe(false)
  })

  it('when it was a tab', async () => {
    const close = await openOwner((html) => {
      const tab = window.open('about:blank')!
      tab.document.write(html)
      tab.document.close()
      return () => tab.close()
    })
    expect(await holdsLock()).toBe(true)
    close()
    await expect.poll(holdsLock).toBe(false)
  })

  it('when it was a worker', async () => {
    const close = await openOwner(() => {
      const owner = new Worker(new URL('./leaving/owner.worker.ts', import.meta.url), {
        type: 'module',
      })
      return () => owner.terminate()
    })
    expect(await holdsLock()).toBe(true)
    close()
    await expect.poll(holdsLock).toBe(false)
  })
})
