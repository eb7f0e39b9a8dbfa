import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { pumpStream, streamFromPort } from '../../../src/worker/transfer-handlers.ts'

const bytes = (...values: number[]) => new Uint8Array(values)

/** The stream as it looks from the other side of a MessagePort. */
const overPort = (stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
  const { port1, port2 } = new MessageChannel()
  pumpStream(stream, port1)
  return streamFromPort(port2)
}

const collect = async (stream: ReadableStream<Uint8Array>): Promise<number[]> => {
  const all: number[] = []
  for await (const chunk of stream) all.push(...chunk)
  return all
}

describe('a stream pumped over a port', () => {
  it('arrives whole and in order', async () => {
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const value of [1, 2, 3, 4]) controller.enqueue(bytes(value, value))
        controller.close()
      },
    })
    expect(await collect(overPort(source))).toEqual([1, 1, 2, 2, 3, 3, 4, 4])
  })

  it('passes an error on with its code', async () => {
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new EngineError('device-lost', 'gone'))
      },
    })
    await expect(collect(overPort(source))).rejects.toMatchObject({ code: 'device-lost' })
  })

  it('cancels its source, and reads no further than asked', async () => {
    let pulled = 0
    const cancelled = new Promise<unknown>((resolve) => {
      const source = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => controller.enqueue(bytes(++pulled)),
          cancel: resolve,
        },
        { highWaterMark: 0 },
      )
      const reader = overPort(source).getReader()
      void reader.read().then(() => reader.cancel('enough'))
    })
    expect(await cancelled).toBe('enough')
    expect(pulled).toBeLessThan(4)
  })
})
