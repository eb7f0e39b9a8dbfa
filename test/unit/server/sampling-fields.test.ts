import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTestServer, eos, type GrowingTokenizer } from './fixtures.ts'

const fields = {
  presence_penalty: 0.5,
  frequency_penalty: -1,
  repetition_penalty: 1.1,
  logit_bias: { 5: 250, '07': -300, 9: 1.5, 7: 2 },
  allowed_token_ids: [1, 2],
  min_tokens: 3,
  max_tokens: 9,
  stop_token_ids: [4, 4],
  ignore_eos: true,
}

const sent = {
  presencePenalty: 0.5,
  frequencyPenalty: -1,
  repetitionPenalty: 1.1,
  allowedTokenIds: [1, 2],
  minTokens: 3,
  maxTokens: 9,
  stopTokenIds: [4],
  ignoreEos: true,
}

const oneAnswer = { scripts: [{ pieces: [eos] }] }

describe('sampling fields', () => {
  it.each(['chat', 'complete'] as const)('of %s reach the engine', async (endpoint) => {
    const server = createTestServer(oneAnswer)
    const response = await server[endpoint](fields)
    expect(response.status).toBe(200)
    const params = server.engine.requests[0]?.samplingParams
    expect(params).toMatchObject(sent)
    expect(new Map(params?.logitBias)).toEqual(
      new Map([
        [5, 100],
        [9, 1.5],
        [7, -100],
      ]),
    )
    expect(params?.logitBias).toHaveLength(3)
  })

  it('take the model’s own penalty where the request has none', async () => {
    const defaultSamplingParams = { repetitionPenalty: 1.05 }
    const server = createTestServer({ ...oneAnswer, model: { defaultSamplingParams } })
    await server.chat({})
    expect(server.engine.requests[0]?.samplingParams.repetitionPenalty).toBe(1.05)
  })

  it('pass the priority on, and prefer the header’s', async () => {
    const server = createTestServer({ scripts: [{ pieces: [eos] }, { pieces: [eos] }] })
    const headers = { 'content-type': 'application/json', 'x-vllm-priority': '-7' }
    await server.chat({ priority: 3 })
    await server.chat({ priority: 3 }, { headers })
    expect(server.engine.requests.map(({ priority }) => priority)).toEqual([3, -7])
  })

  it('serve 16 answers to one prompt', async () => {
    const scripts = Array.from({ length: 16 }, () => ({ pieces: ['a', eos] }))
    const { choices } = await (await createTestServer({ scripts }).chat({ n: 16 })).json()
    expect(choices).toHaveLength(16)
  })
})

/** A vocabulary with " cat" and "cat", and a space of its own before other words but those with "_". */
const wordTokenizer = (tiny: GrowingTokenizer): GrowingTokenizer => ({
  ...tiny,
  encode: (text) =>
    tiny.ids(
      ...(text.trimStart().match(/^_.*/) ?? text.match(/ ?cat|ca| |\S+?(?= |$|cat)/g) ?? []),
    ),
})

const bannedBy = async (words: readonly string[]) => {
  const { tokenizer } = createTestServer()
  const server = createTestServer({ ...oneAnswer, model: { tokenizer: wordTokenizer(tokenizer) } })
  expect((await server.chat({ bad_words: words })).status).toBe(200)
  return server.engine.requests[0]?.samplingParams.badWordsTokenIds?.map((ids) =>
    ids.map((id) => tokenizer.idToToken(id)),
  )
}

describe('bad words', () => {
  it('are banned with and without a space before them', async () => {
    expect(await bannedBy(['cat'])).toEqual([['cat'], [' cat']])
    expect(await bannedBy(['  cat', 'cat'])).toEqual([['cat'], [' cat'], ['cat'], [' cat']])
  })

  it('are banned once where the space is a token of its own', async () => {
    expect(await bannedBy(['dog'])).toEqual([['dog']])
  })

  it('are banned once where the tokenizer puts a space before every text', async () => {
    expect(await bannedBy(['_cat'])).toEqual([['_cat']])
  })
})

const wrong = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, '', 'x', '1e999', '-0', {}, [], [null], [[]], -1),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.string({ maxLength: 5 }),
  fc.array(fc.oneof(fc.integer(), fc.string({ maxLength: 3 }), fc.double()), { maxLength: 3 }),
  fc.dictionary(
    fc.string({ maxLength: 3 }),
    fc.oneof(fc.double(), fc.string({ maxLength: 3 }), fc.integer()),
    { maxKeys: 3 },
  ),
)

const fuzzed = [
  'presence_penalty',
  'frequency_penalty',
  'repetition_penalty',
  'length_penalty',
  'logit_bias',
  'allowed_token_ids',
  'bad_words',
  'min_tokens',
  'stop_token_ids',
  'ignore_eos',
  'priority',
  'n',
  'cache_salt',
  'logprobs',
  'top_logprobs',
  'prompt_logprobs',
  'logprob_token_ids',
  'return_tokens_as_token_ids',
  'echo',
  'stream',
  'use_beam_search',
]
const bodies = fc.dictionary(fc.constantFrom(...fuzzed), wrong, { minKeys: 1, maxKeys: 4 })

describe('fields of any type', () => {
  it('are served or refused in vLLM’s shape, never a failure', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom('chat', 'complete'), async (body, endpoint) => {
        const scripts = Array.from({ length: 200 }, () => ({ pieces: ['a', eos] }))
        const server = createTestServer({ scripts })
        const call = endpoint === 'chat' ? server.chat : server.complete
        const response = await call({ max_tokens: 2, ...body })
        const text = await response.text()
        if (response.status === 200) return
        const { error } = JSON.parse(text)
        expect(error).toMatchObject({ code: response.status, message: expect.any(String) })
        expect(response.status).toBe(400)
        expect(['BadRequestError', 'Bad Request']).toContain(error.type)
        expect(server.engine.running.size).toBe(0)
      }),
      { numRuns: 400 },
    )
  })
})
