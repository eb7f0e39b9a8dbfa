import { signalOf, type Fetch } from '../../../src/client/fetch.ts'
import type { StreamEvent } from '../../../src/client/stream-events.ts'

const encoder = new TextEncoder()

export const url = 'http://server.test/v1/chat/completions'

export const post = (body: unknown, init: RequestInit = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...init,
})

const eventStream = { headers: { 'content-type': 'text/event-stream; charset=utf-8' } }

/** A stream that is at its end after these pieces, each a chunk. */
export const streamOf = (...pieces: readonly (string | Uint8Array<ArrayBuffer>)[]) =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
      }
      controller.close()
    },
  })

export const sse = (...pieces: readonly string[]): Response =>
  new Response(streamOf(...pieces), eventStream)

export const frame = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`

export const done = 'data: [DONE]\n\n'

/** The frame of a chunk with one choice. */
export const delta = (fields: object, rest: object = {}): string =>
  frame({ choices: [{ index: 0, delta: fields, finish_reason: null, ...rest }] })

export const finish = (reason = 'stop'): string => delta({}, { finish_reason: reason })

/** An event stream in the test's hands. */
export const openStream = () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  const state = { numPulls: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: (given) => {
        controller = given
      },
      pull: () => {
        state.numPulls += 1
      },
      cancel: () => {
        state.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return {
    response: new Response(body, eventStream),
    state,
    send: (text: string) => controller?.enqueue(encoder.encode(text)),
    close: () => controller?.close(),
    fail: (error: unknown) => controller?.error(error),
  }
}

export type Step = Response | Error | ((request: Request) => Response | Promise<Response>)

export type ScriptedFetch = {
  readonly fetch: Fetch
  readonly requests: Request[]
  readonly signals: (AbortSignal | null)[]
  /** Each request's body. */
  readonly bodies: string[]
}

/** Answers the n-th request with the n-th step, whatever becomes of its signal meanwhile. */
export const scriptedFetch = (...steps: readonly Step[]): ScriptedFetch => {
  const requests: Request[] = []
  const signals: (AbortSignal | null)[] = []
  const bodies: string[] = []
  const fetch: Fetch = async (input, init) => {
    // A Request that follows the signal would listen to it until it is collected as garbage.
    const request = new Request(input, { ...init, signal: null })
    const step = steps[requests.length]
    requests.push(request)
    signals.push(signalOf(input, init))
    if (step === undefined) throw new Error(`no step for request ${requests.length}`)
    bodies.push(await request.clone().text())
    if (step instanceof Error) throw step
    return step instanceof Response ? step : step(request)
  }
  return { fetch, requests, signals, bodies }
}

/** A server that never answers. */
export const silence = (): Promise<Response> => new Promise(() => {})

export const readAll = async (events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> => {
  const all: StreamEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

/** The number of abort listeners that a signal holds on to: none once it has aborted. */
export const countListeners = (signal: AbortSignal) => {
  const listeners = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.add(args[1])
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1])
    remove(...args)
  }
  return { now: () => (signal.aborted ? 0 : listeners.size) }
}

/** Lets time pass, for what takes more than `settle()`. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms))

/** Lets everything that is ready happen, without a timer that a test may have replaced. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}
