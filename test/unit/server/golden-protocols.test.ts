import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { hermesCall, thoughtful } from './clients/client-fixtures.ts'
import { createTestServer, eos, normalise, type TestServerOptions } from './fixtures.ts'

// What a client of the other two protocols gets, byte by byte, ids and times made constant. Every line
// was read against the catalogue of vLLM's protocol: run with QUIRE_UPDATE_STREAMS=1 to write the
// files anew, and read the difference the same way.
const folder = new URL('../../fixtures/streams/', import.meta.url)
const isUpdate = process.env['QUIRE_UPDATE_STREAMS'] === '1'
const fileOf = (name: string) => new URL(`${name}.txt`, folder)

type Answer = {
  readonly name: string
  readonly pieces: readonly string[]
  readonly end?: 'length' | EngineError
  readonly model?: TestServerOptions['model']
  readonly body?: object
}

const plain: Answer = { name: 'plain', pieces: ['Hi', ' é', eos] }
const incomplete: Answer = { name: 'length', pieces: ['Hi', '!'], end: 'length' }
const empty: Answer = { name: 'empty', pieces: [eos] }
const reasoning: Answer = {
  name: 'reasoning',
  pieces: thoughtful.pieces,
  model: { reasoningParser: 'qwen3' },
}
const toolCalls: Answer = {
  name: 'tool-calls',
  pieces: ['Ok.', ...hermesCall('weather', { city: 'Oslo' }), '\n', ...hermesCall('now', {}), eos],
  model: { toolParser: 'hermes' },
}
const broken: Answer = {
  name: 'error-later',
  pieces: ['Hi'],
  end: new EngineError('internal', 'The GPU is gone.'),
}
const cities = { type: 'object', properties: { city: { type: 'string' } } }

const responses: readonly Answer[] = [
  plain,
  incomplete,
  empty,
  reasoning,
  {
    ...toolCalls,
    body: {
      tools: [
        { type: 'function', name: 'weather', parameters: cities, strict: true },
        { type: 'function', name: 'now', parameters: {} },
      ],
    },
  },
  broken,
  {
    ...plain,
    name: 'logprobs',
    body: { include: ['message.output_text.logprobs'], top_logprobs: 1 },
  },
  {
    ...plain,
    name: 'fields',
    body: {
      instructions: 'Be short.',
      max_output_tokens: 7,
      frequency_penalty: -0.5,
      metadata: { a: 'b' },
      presence_penalty: 1.5,
      reasoning: { effort: 'low' },
      temperature: 0.5,
      text: { format: { type: 'text' } },
      top_p: 0.25,
      user: 'ada',
    },
  },
  { ...plain, name: 'refused', body: { prompt: { id: 'x' } } },
]

const messages: readonly Answer[] = [
  plain,
  incomplete,
  empty,
  reasoning,
  {
    ...toolCalls,
    body: {
      tools: [
        { name: 'weather', input_schema: cities },
        { name: 'now', input_schema: {} },
      ],
    },
  },
  broken,
  { ...plain, name: 'stop-sequence', body: { stop_sequences: [' é'] } },
  { ...plain, name: 'refused', body: { max_tokens: 0 } },
]

const requests = [
  ...responses.map((answer) => ({
    ...answer,
    name: `responses-${answer.name}`,
    path: '/v1/responses',
    body: { model: 'tiny', input: 'hi', ...answer.body },
  })),
  ...messages.map((answer) => ({
    ...answer,
    name: `messages-${answer.name}`,
    path: '/v1/messages',
    body: {
      model: 'tiny',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'hi' }],
      ...answer.body,
    },
  })),
].flatMap((request) => [
  { ...request, body: { ...request.body, stream: true } },
  { ...request, name: `${request.name}-whole` },
])

const withoutIds = (text: string): string =>
  normalise(text)
    .replaceAll(/"(resp|rs|msg|fc)_[0-9a-f]{32}"/g, '"$1_ID"')
    .replaceAll(/"signature":"[0-9a-f]{32}"/g, '"signature":"SIGNATURE"')
    .replaceAll(/"created_at":\d+/g, '"created_at":0')

describe('golden streams of responses and messages', () => {
  it.each(requests)('$name', async ({ name, path, body, pieces, end, model }) => {
    const scripts = [{ pieces, ...(end === undefined ? {} : { end }) }]
    const { post } = createTestServer({ scripts, ...(model ? { model } : {}) })
    const text = `${withoutIds(await (await post(path, body)).text()).trimEnd()}\n`
    if (isUpdate) writeFileSync(fileOf(name), text)
    expect(text).toBe(readFileSync(fileOf(name), 'utf8'))
  })

  it('have a request for every file', () => {
    const files = readdirSync(folder).filter((file) => /^(responses|messages)-/.test(file))
    expect(files.toSorted()).toEqual(requests.map(({ name }) => `${name}.txt`).toSorted())
  })
})
