import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import {
  createFetch,
  type CreateFetchOptions,
  type FetchHandler,
} from '../../../src/server/create-fetch.ts'
import type { ServedModel } from '../../../src/server/served-model.ts'
import type { ChatTemplate, ChatTemplateInput } from '../../../src/tokenizer/chat-template.ts'
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { createScriptedEngine, type Script, type ScriptedEngine } from './scripted-engine.ts'
import { testGrammars } from './test-grammars.ts'

export const eos = '<|im_end|>'
const specials = [eos, '<think>', '</think>', '<tool_call>', '</tool_call>']

/** A vocabulary that grows: a piece gets an id when it is first asked for. */
export type GrowingTokenizer = Tokenizer & { ids(...pieces: string[]): number[] }

export const createTinyTokenizer = (): GrowingTokenizer => {
  const pieces: string[] = []
  const idOf = (piece: string) => {
    const known = pieces.indexOf(piece)
    return known >= 0 ? known : pieces.push(piece) - 1
  }
  const addedTokens = new Map(
    specials.map((text) => [text, { id: idOf(text), special: true }] as const),
  )
  const isSpecial = (id: number) => id < specials.length
  return {
    get vocabSize() {
      return pieces.length
    },
    addedTokens,
    bosToken: null,
    eosToken: eos,
    encode: (text) => Array.from(text, idOf),
    decode: (tokenIds, options) =>
      tokenIds
        .filter((id) => !(options?.skipSpecialTokens && isSpecial(id)))
        .map((id) => pieces[id] ?? '')
        .join('')
        // Half a surrogate pair stands for a token with half of a character's bytes.
        .toWellFormed(),
    tokenToId: (token) => (pieces.includes(token) ? idOf(token) : null),
    idToToken: (id) => pieces[id] ?? null,
    ids: (...given) => given.map(idOf),
  }
}

/** Renders `role:content|` for each message, and remembers what it was given. */
export const createTinyTemplate = (source = '') => {
  const inputs: ChatTemplateInput[] = []
  const template: ChatTemplate = {
    source,
    render(input) {
      inputs.push(input)
      const lines = input.messages.map(({ role, content }) => `${role}:${String(content)}|`)
      return lines.join('') + (input.addGenerationPrompt ? 'assistant:' : '')
    },
  }
  return { template, inputs }
}

export type PieceScript = Omit<Script, 'outputs'> & {
  readonly pieces: readonly (string | string[])[]
}

export type TestServer = {
  readonly handler: FetchHandler
  readonly engine: ScriptedEngine
  readonly tokenizer: GrowingTokenizer
  readonly templateInputs: ChatTemplateInput[]
  /** POSTs to the path and returns the response. */
  readonly post: (path: string, body: unknown, init?: RequestInit) => Promise<Response>
  readonly chat: (body: Record<string, unknown>, init?: RequestInit) => Promise<Response>
  readonly complete: (body: Record<string, unknown>, init?: RequestInit) => Promise<Response>
}

export type TestServerOptions = {
  /** Each script's pieces: one engine output each, of one token or of several. */
  readonly scripts?: readonly PieceScript[]
  readonly model?: Partial<ServedModel>
  readonly templateSource?: string
  readonly maxModelLen?: number
  readonly serving?: CreateFetchOptions
}

export const createTestServer = (options: TestServerOptions = {}): TestServer => {
  const tokenizer = createTinyTokenizer()
  const { template, inputs } = createTinyTemplate(options.templateSource)
  const scripts = (options.scripts ?? []).map(({ pieces, ...rest }) => ({
    ...rest,
    outputs: pieces.map((piece) => tokenizer.ids(...(Array.isArray(piece) ? piece : [piece]))),
  }))
  const engine = createScriptedEngine(scripts, options.maxModelLen)
  const handler = createFetch(
    {
      task: 'generate',
      id: 'tiny',
      created: 1_700_000_000,
      engine,
      tokenizer,
      chatTemplate: template,
      grammars: testGrammars(tokenizer),
      defaultSamplingParams: {},
      toolParser: null,
      reasoningParser: null,
      ...options.model,
    },
    { version: '1.2.3', ...options.serving },
  )
  const post: TestServer['post'] = (path, body, init) =>
    handler(
      new Request(`http://quire.test${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
    )
  return {
    handler,
    engine,
    tokenizer,
    templateInputs: inputs,
    post,
    chat: (body, init) =>
      post('/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], ...body }, init),
    complete: (body, init) => post('/v1/completions', { prompt: 'ab', ...body }, init),
  }
}

/** The `data:` payloads of a stream, with the parts that change from run to run made constant. */
export const readFrames = async (response: Response): Promise<string[]> => {
  const text = await response.text()
  return text
    .split('\n\n')
    .filter((line) => line !== '')
    .map(normalise)
}

export const normalise = (text: string): string =>
  text
    .replaceAll(/"(chatcmpl|cmpl)-[0-9a-f]{16}"/g, '"$1-ID"')
    .replaceAll(/chatcmpl-tool-[0-9a-f]{16}/g, 'chatcmpl-tool-ID')
    .replaceAll(/"created":\d+/g, '"created":0')

export type RefusalCase = readonly [
  body: Record<string, unknown>,
  message: string,
  param: string | null,
]

/** The `error` of a refused request. */
export const refusal = async (call: TestServer['chat'], body: Record<string, unknown>) => {
  const response = await call(body)
  const { error } = await response.json()
  expect(error.code).toBe(response.status)
  return error
}

/** A file of the starter model. */
export const readStarterJson = (name: string): unknown =>
  JSON.parse(
    readFileSync(new URL(`../../../demo/public/starter-model/${name}`, import.meta.url), 'utf8'),
  )
