import { finishVector, type PoolingEngine } from '../../../../src/engine/pooling.ts'
import { createFetch } from '../../../../src/server/create-fetch.ts'
import { createTestServer, createTinyTokenizer, eos, type TestServerOptions } from '../fixtures.ts'
import { emptyStats } from '../scripted-engine.ts'

/** Where the clients think that the server is. */
export const baseURL = 'http://quire.test/v1'

export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

/** A server over a scripted engine, and the `fetch` that a client takes in the place of its own. */
export const serve = (options: TestServerOptions) => {
  const server = createTestServer(options)
  const fetch: Fetch = (input, init) => server.handler(new Request(input, init))
  return { server, fetch }
}

/** One call in Hermes's format, cut into pieces as a model would, its last value apart. */
export const hermesCall = (name: string, args: object): string[] => {
  const text = JSON.stringify(args)
  const middle = text.length - 3
  return [
    '<tool_call>',
    `\n{"name": "${name}", `,
    '"arguments": ',
    text.slice(0, middle),
    text.slice(middle),
    '}\n',
    '</tool_call>',
  ]
}

/** Two calls at once, then an answer that uses their results. */
export const twoCallsThenAnswer = [
  {
    pieces: [
      ...hermesCall('weather', { city: 'Oslo' }),
      '\n',
      ...hermesCall('weather', { city: 'Lima' }),
      eos,
    ],
  },
  { pieces: ['Oslo', ': 3°,', ' Lima: 19°.', eos] },
]

export const degrees: Readonly<Record<string, number>> = { Oslo: 3, Lima: 19 }

/** Reasoning in Qwen's format, then an answer. */
export const thoughtful = { pieces: ['<think>', 'Two and', ' two.', '</think>', 'Four', '.', eos] }

export const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** Of a text: its length in tokens, and whether it is the first one of the server. */
const createCountingEngine = (): PoolingEngine => {
  let numTexts = 0
  return {
    maxModelLen: 1000,
    vocabSize: 1 << 20,
    width: 2,
    addRequest(request) {
      numTexts += 1
      const raw = Float32Array.of(request.promptTokenIds.length, numTexts === 1 ? 0.1 : -2)
      return { vector: Promise.resolve(finishVector(raw, request)), abort: () => {} }
    },
    stats: () => emptyStats,
    resetPrefixCache: () => true,
    dispose: () => {},
  }
}

/** `fetch` of a server whose model embeds texts. */
export const serveEmbeddings = (): Fetch => {
  const handler = createFetch({
    task: 'embed',
    id: 'tiny',
    created: 0,
    engine: createCountingEngine(),
    tokenizer: createTinyTokenizer(),
    chatTemplate: null,
    vectors: { normalize: false, dimensions: 'none' },
    lowersCase: false,
  })
  return (input, init) => handler(new Request(input, init))
}

/** What the texts "abc" and "de" are to that model. */
export const embedded = [
  [3, Math.fround(0.1)],
  [2, -2],
]
