import { transferHandlers, type TransferHandler } from 'comlink'
import { EngineError, type EngineErrorData } from '../errors.ts'

type Thrown = { readonly value: unknown }
type ThrownData = { readonly error: EngineErrorData }

const builtInThrowHandler = transferHandlers.get('throw')!

/** Comlink keeps an Error's name and message alone; EngineErrors cross with code and details. */
const throwHandler: TransferHandler<Thrown, ThrownData> = {
  canHandle: (value): value is Thrown => builtInThrowHandler.canHandle(value),
  serialize: ({ value }) => [{ error: EngineError.from(value).toData() }, []],
  deserialize: ({ error }) => {
    throw EngineError.fromData(error)
  },
}

let streamsTransfer: boolean | undefined
/** Safari before 26.4 can't transfer a ReadableStream. */
const canTransferStreams = (): boolean => {
  if (streamsTransfer === undefined) {
    try {
      const stream = new ReadableStream()
      structuredClone(stream, { transfer: [stream] })
      streamsTransfer = true
    } catch {
      streamsTransfer = false
    }
  }
  return streamsTransfer
}

type PumpMessage =
  | { readonly type: 'pull' }
  | { readonly type: 'cancel'; readonly reason: string }
  | { readonly type: 'chunk'; readonly chunk: Uint8Array }
  | { readonly type: 'close' }
  | { readonly type: 'error'; readonly error: EngineErrorData }

/**
 * Serves a stream over a port, one chunk a `pull`. Where the platform tells that the port's other end
 * is gone, as Node does (Chromium 156 has that event behind a flag alone), the stream is cancelled.
 */
export const pumpStream = (stream: ReadableStream<Uint8Array>, port: MessagePort): void => {
  const reader = stream.getReader()
  const send = (message: PumpMessage) => port.postMessage(message)
  const pull = async () => {
    try {
      const { done, value } = await reader.read()
      send(done ? { type: 'close' } : { type: 'chunk', chunk: value })
    } catch (thrown) {
      send({ type: 'error', error: EngineError.from(thrown).toData() })
    }
  }
  port.addEventListener('message', ({ data }: MessageEvent<PumpMessage>) => {
    if (data.type === 'pull') void pull()
    if (data.type === 'cancel') {
      void reader.cancel(data.reason).catch(() => {})
      port.close()
    }
  })
  port.addEventListener('close', () => void reader.cancel('The port was closed.').catch(() => {}))
  port.start()
}

/** The other end of {@link pumpStream}. */
export const streamFromPort = (port: MessagePort): ReadableStream<Uint8Array> => {
  let hasEnded = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        port.addEventListener('message', ({ data }: MessageEvent<PumpMessage>) => {
          // Chunks that were on their way when the reader cancelled.
          if (hasEnded) return
          if (data.type === 'chunk') return controller.enqueue(data.chunk)
          hasEnded = true
          if (data.type === 'close') controller.close()
          if (data.type === 'error') controller.error(EngineError.fromData(data.error))
          port.close()
        })
        port.start()
      },
      pull: () => port.postMessage({ type: 'pull' } satisfies PumpMessage),
      cancel(reason) {
        hasEnded = true
        port.postMessage({ type: 'cancel', reason: String(reason) } satisfies PumpMessage)
      },
    },
    { highWaterMark: 1 },
  )
}

type ResponseData = {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly [string, string][]
  /** The stream itself where it can be transferred, else a port that pumps it. */
  readonly body: ReadableStream<Uint8Array> | MessagePort | null
}

/** A stream as something that `postMessage` can transfer. */
const toTransferable = (
  stream: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> | MessagePort => {
  if (canTransferStreams()) return stream
  const { port1, port2 } = new MessageChannel()
  pumpStream(stream, port1)
  return port2
}

const responseHandler: TransferHandler<Response, ResponseData> = {
  canHandle: (value): value is Response => value instanceof Response,
  serialize({ status, statusText, headers, body }) {
    const carried = body && toTransferable(body)
    const data = { status, statusText, headers: [...headers], body: carried }
    // TypeScript's DOM types do not list ReadableStream as transferable.
    return [data, carried ? [carried as MessagePort] : []]
  },
  deserialize({ status, statusText, headers, body }) {
    const stream = body instanceof MessagePort ? streamFromPort(body) : body
    return new Response(stream, { status, statusText, headers: headers.map(([k, v]) => [k, v]) })
  },
}

/** Call once on each side before Comlink is used. */
export const installTransferHandlers = (): void => {
  transferHandlers.set('throw', throwHandler)
  transferHandlers.set('response', responseHandler)
}
