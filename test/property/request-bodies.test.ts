import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PoolingEngine } from '../../src/engine/pooling.ts'
import { createFetch, type FetchHandler } from '../../src/server/create-fetch.ts'
import type { AnyServedModel } from '../../src/server/served-model.ts'
import { loadChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts'
import { readStarterJson } from '../unit/server/fixtures.ts'
import { createScriptedEngine, emptyStats } from '../unit/server/scripted-engine.ts'
import { testGrammars } from '../unit/server/test-grammars.ts'

/*
 * Whatever a client sends, it gets an answer or a 4xx in vLLM's shape, streams end, nothing is left
 * running, and the next request is served.
 */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_121) || Date.now()
const numBodies = 20_000

const tokenizerConfig = readStarterJson('tokenizer_config.json')
const tokenizer = loadTokenizer({
  tokenizerJson: readStarterJson('tokenizer.json'),
  tokenizerConfig,
})
const named = {
  id: 'starter',
  created: 0,
  tokenizer,
  chatTemplate: loadChatTemplate(tokenizerConfig),
}

const answers = [
  'Hello.',
  '<think>\nHm.\n</think>\n\nHello.',
  '<tool_call>\n{"name": "f", "arguments": {"a": {"a": [1, "x"]}}}\n</tool_call>',
  '<tool_call>\n{"name": "f", "argu',
].map((text) => {
  const ids = tokenizer.encode(text, { addSpecialTokens: false })
  return { outputs: ids.map((id) => [id]) }
})

const createGenerator = () => {
  const engine = createScriptedEngine(
    Array.from({ length: 100_000 }, (_, request) => answers[request % answers.length]!),
  )
  const model: AnyServedModel = {
    ...named,
    task: 'generate',
    engine,
    grammars: testGrammars(tokenizer),
    defaultSamplingParams: {},
    toolParser: 'hermes',
    reasoningParser: 'qwen3',
  }
  return { handler: createFetch(model), numRunning: () => engine.running.size }
}

const createEmbedder = () => {
  const engine: PoolingEngine = {
    maxModelLen: 100,
    vocabSize: 1 << 20,
    width: 2,
    addRequest: () => ({ vector: Promise.resolve(Float32Array.of(0.5, 1)), abort: () => {} }),
    stats: () => emptyStats,
    resetPrefixCache: () => true,
    dispose: () => {},
  }
  const vectors = { normalize: true, dimensions: 'any' } as const
  const model: AnyServedModel = { ...named, task: 'embed', engine, vectors, lowersCase: false }
  return { handler: createFetch(model), numRunning: () => 0 }
}

type Server = ReturnType<typeof createGenerator>

const send = (handler: FetchHandler, path: string, body: string): Promise<Response> =>
  handler(
    new Request(`http://quire.test${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }),
  )

const checkRefusal = (path: string, status: number, body: unknown) => {
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  if (path.startsWith('/v1/messages')) {
    expect(body).toMatchObject({
      type: 'error',
      error: { type: expect.any(String), message: expect.stringMatching(/./) },
    })
    return
  }
  expect(body).toEqual({
    error: {
      message: expect.stringMatching(/./),
      type: expect.any(String),
      param: expect.toBeOneOf([null, expect.any(String)]),
      code: status,
    },
  })
}

/** Ends of streams: each protocol has its own. */
const streamEnd =
  /data: \[DONE\]\n\n$|event: (response\.completed|message_stop|error)\ndata: .*\n\n$/

/** The status of the answer. */
const checkAnswer = async (
  { handler, numRunning }: Server,
  path: string,
  body: string,
): Promise<number> => {
  const response = await send(handler, path, body)
  const text = await response.text()
  if (response.status !== 200) checkRefusal(path, response.status, JSON.parse(text))
  else if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    expect(text).toMatch(streamEnd)
    expect(text).not.toContain('InternalServerError')
  } else JSON.parse(text)
  expect(numRunning()).toBe(0)
  return response.status
}

/** What JSON can say and no value of JavaScript can: written out after the rest. */
const rawTexts: Readonly<Record<string, string>> = {
  '@infinity': '1e999',
  '@digits': '9'.repeat(400),
  '@deep list': '['.repeat(10_000) + ']'.repeat(10_000),
  '@deep object': '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000),
  '@proto': '{"__proto__":{"messages":1},"constructor":2}',
  '@twice': '{"a":1,"a":2}',
}

const toBody = (value: unknown): string =>
  (JSON.stringify(value) ?? '').replaceAll(
    /"(@[a-z ]+)"/g,
    (quoted, name) => rawTexts[name] ?? quoted,
  )

const weird: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, '', ' ', 'x', [], {}, [[]], [null], [{}], { '': 0 }),
  fc.constantFrom(0, 1, -1, 2, 17, 0.5, -2.5, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, -(2 ** 63)),
  fc.constantFrom('1', '-1', '0.5', '1e999', 'NaN', 'true', 'auto', 'json', '{', '<|im_end|>'),
  fc.constantFrom('\ud800', 'a\udfff', '\udc00\ud800', 'x\ud83d', '\0', '\ufdd0'),
  fc.constantFrom(...Object.keys(rawTexts)),
  fc.jsonValue({ maxDepth: 2 }),
)

const cyclic = {
  $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
  type: 'object',
  properties: { a: { $ref: '#/$defs/a' }, b: { $ref: '#' } },
}
const asked = { role: 'user', content: 'hi' }
const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
const chats: readonly unknown[] = [
  [asked],
  [{ role: 'system', content: [{ type: 'text', text: 'Be.' }] }, asked],
  [asked, { role: 'assistant', content: null, tool_calls: [call] }],
  [
    asked,
    { role: 'assistant', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c', content: '' },
  ],
  [{ role: 'wizard', content: 'hi', name: 'x' }],
  [{ role: 'assistant', content: 'and', reasoning_content: 'so' }],
]
const parameters = { type: 'object', properties: { a: { type: ['integer', 'null'] } } }
const flag = [true, false]

/** Values that some route takes for each field. */
const soundValues: Readonly<Record<string, readonly unknown[]>> = {
  messages: chats,
  prompt: ['ab', ['a', 'b'], [1, 2], [[1], [2]]],
  input: ['ab', ['a'], [1, 2], [asked], [{ type: 'message', ...asked }]],
  tokens: [[1, 2, 3]],
  stream: flag,
  echo: flag,
  logprobs: [...flag, 2],
  top_logprobs: [0, 3],
  prompt_logprobs: [1],
  logprob_token_ids: [[5]],
  temperature: [0, 0.7],
  top_p: [0.5],
  top_k: [0, 5],
  min_p: [0.1],
  n: [1, 2],
  seed: [1, -5],
  max_tokens: [1, 5, '7'],
  max_completion_tokens: [5],
  max_output_tokens: [5],
  min_tokens: [1],
  stop: ['x', ['l', 'o.']],
  stop_sequences: [['x']],
  stop_token_ids: [[1]],
  ignore_eos: flag,
  presence_penalty: [1],
  repetition_penalty: [1.1],
  logit_bias: [{ 5: 1 }],
  allowed_token_ids: [[1, 2]],
  bad_words: [['x']],
  use_beam_search: flag,
  tools: [
    [{ type: 'function', function: { name: 'f', parameters } }],
    [{ type: 'function', function: { name: 'f', parameters: cyclic } }],
    [{ type: 'function', name: 'f', parameters: cyclic }],
    [{ name: 'f', input_schema: cyclic }],
  ],
  tool_choice: ['auto', 'none', 'required', { type: 'auto' }, { type: 'tool', name: 'f' }],
  parallel_tool_calls: flag,
  response_format: [
    { type: 'text' },
    { type: 'json_object' },
    { type: 'json_schema', json_schema: { name: 'x', schema: parameters } },
    { type: 'json_schema', json_schema: { name: 'x', schema: cyclic } },
  ],
  structured_outputs: [
    { regex: 'a+' },
    { choice: ['a', 'b'] },
    { json: parameters },
    { json_object: true },
    { grammar: 'root ::= "a"' },
  ],
  stream_options: [{ include_usage: true, continuous_usage_stats: true }],
  stream_interval: [3],
  return_token_ids: flag,
  return_prompt_text: flag,
  return_tokens_as_token_ids: flag,
  return_token_strs: flag,
  skip_special_tokens: flag,
  include_stop_str_in_output: flag,
  add_special_tokens: flag,
  add_generation_prompt: flag,
  continue_final_message: flag,
  chat_template_kwargs: [{ enable_thinking: false }],
  reasoning_effort: ['low', 'none'],
  include_reasoning: flag,
  thinking_token_budget: [-1],
  documents: [[{ title: 't', text: 'x' }]],
  truncate_prompt_tokens: [5, -1],
  truncation_side: ['left', 'right'],
  repetition_detection: [{ max_pattern_size: 3, min_count: 2 }],
  cache_salt: ['x'],
  priority: [-3],
  request_id: ['x'],
  user: ['x'],
  dimensions: [2],
  encoding_format: ['float', 'base64'],
  system: ['Be.', [{ type: 'text', text: 'Be.' }]],
  instructions: ['Be.'],
  store: flag,
  background: flag,
  reasoning: [{ effort: 'low' }],
  text: [{ format: { type: 'text' } }],
  thinking: [{ type: 'enabled', budget_tokens: 1024 }],
  include: [['message.output_text.logprobs']],
}
const fieldNames = Object.keys(soundValues)

/** Every place in a value: its holder and its key there. */
const placesIn = (value: unknown): [holder: Record<string, unknown>, key: string][] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.keys(value).flatMap((key) => {
        const holder = value as Record<string, unknown>
        return [[holder, key] as [typeof holder, string], ...placesIn(holder[key])]
      })

type Mistake = { readonly at: number; readonly value: unknown; readonly isNew: boolean }

const withMistakes = (body: object, mistakes: readonly Mistake[]): object => {
  const copy = structuredClone(body)
  for (const { at, value: given, isNew } of mistakes) {
    const value: unknown = structuredClone(given)
    const places = placesIn(copy)
    const place = places[at % places.length]
    if (isNew || !place) Object.assign(copy, { [fieldNames[at % fieldNames.length] ?? 'x']: value })
    else place[0][place[1]] = value
  }
  return copy
}

const bodiesOf = (base: object): fc.Arbitrary<string> => {
  const fields = fc
    .array(fc.tuple(fc.constantFrom(...fieldNames), fc.nat()), { maxLength: 4 })
    .map((chosen) =>
      Object.fromEntries(
        chosen.map(([name, pick]) => {
          const values = soundValues[name] ?? []
          return [name, values[pick % values.length]]
        }),
      ),
    )
  const mistakes = fc.array(fc.record({ at: fc.nat(), value: weird, isNew: fc.boolean() }), {
    maxLength: 2,
  })
  const made = fc
    .tuple(fields, mistakes)
    .map(([chosen, wrong]) => toBody(withMistakes({ ...base, ...chosen }, wrong)))
  const cut = fc
    .tuple(made, fc.nat(), fc.constantFrom('', '}', '"', '\0', ',', 'NaN'))
    .map(([text, at, inserted]) => {
      const position = at % (text.length + 1)
      return text.slice(0, position) + inserted + text.slice(position + 1)
    })
  return fc.oneof(
    { weight: 20, arbitrary: made },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: weird.map(toBody) },
  )
}

const chat = { model: 'starter', messages: [asked], max_tokens: 5 }
const generatorRoutes: Readonly<Record<string, object>> = {
  '/v1/chat/completions': chat,
  '/v1/chat/completions/batch': { messages: [[asked], [asked]], max_tokens: 5 },
  '/v1/completions': { prompt: 'ab' },
  '/v1/responses': { input: 'hi' },
  '/v1/messages': chat,
  '/v1/messages/count_tokens': chat,
  '/tokenize': { prompt: 'ab' },
  '/detokenize': { tokens: [1, 2] },
  '/invocations': chat,
}
const embedderRoutes: Readonly<Record<string, object>> = {
  '/v1/embeddings': { input: 'ab' },
  '/invocations': { input: 'ab' },
}

/** How many bodies of each status came: both kinds must be tried. */
const checkRoute = async (server: Server, path: string, base: object, numRuns: number) => {
  let numSent = 0
  let numServed = 0
  await fc.assert(
    fc.asyncProperty(bodiesOf(base), async (body) => {
      if ((await checkAnswer(server, path, body)) === 200) numServed += 1
      numSent += 1
      if (numSent % 20 !== 0) return
      const response = await send(server.handler, path, JSON.stringify(base))
      expect(response.status).toBe(200)
      await response.text()
    }),
    { numRuns, seed },
  )
  expect(numServed).toBeGreaterThan(numRuns / 20)
  expect(numServed).toBeLessThan(numRuns)
}

describe('any body', () => {
  test.each(Object.entries(generatorRoutes))('sent to %s', (path, base) =>
    checkRoute(createGenerator(), path, base, numBodies / 8),
  )

  test.each(Object.entries(embedderRoutes))('sent to %s of a model that embeds', (path, base) =>
    checkRoute(createEmbedder(), path, base, numBodies / 20),
  )
})

const checkRefused = async (path: string, body: string) =>
  expect(await checkAnswer(createGenerator(), path, body)).toBe(400)

describe('a huge body', () => {
  const paths = Object.keys(generatorRoutes)

  test.each(paths.filter((path) => path !== '/tokenize'))('of one text, sent to %s', (path) => {
    const text = 'word '.repeat(2 * 2 ** 20)
    const messages = [{ role: 'user', content: text }]
    return checkRefused(
      path,
      JSON.stringify({ prompt: text, input: text, messages, tokens: text, max_tokens: 5 }),
    )
  })

  test.each(paths)('of nothing but mistakes, sent to %s', (path) => {
    const wrong = Array.from({ length: 100_000 }, () => null)
    return checkRefused(
      path,
      JSON.stringify({ prompt: wrong, input: wrong, messages: wrong, tokens: wrong, stop: wrong }),
    )
  })

  test('of nothing but brackets', () =>
    checkRefused('/v1/completions', '['.repeat(2 ** 19) + ']'.repeat(2 ** 19)))
})
