import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { PoolingEngine, PoolingRequest } from '../../../src/engine/pooling.ts'
import { finishVector } from '../../../src/engine/pooling.ts'
import { EngineError } from '../../../src/errors.ts'
import { createFetch } from '../../../src/server/create-fetch.ts'
import type { ServedPoolingModel } from '../../../src/server/served-model.ts'
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { createTestServer, createTinyTemplate, createTinyTokenizer } from './fixtures.ts'
import { emptyStats } from './scripted-engine.ts'

/** What the engine refuses. */
const unknownId = 99_999

/** Vectors of four numbers: the first id, how many there are, 0.1 and -2. */
const createFakeEngine = (maxModelLen = 12) => {
  const requests: PoolingRequest[] = []
  const aborted: number[] = []
  let hangs = false
  const engine: PoolingEngine = {
    maxModelLen,
    vocabSize: 1 << 20,
    width: 4,
    addRequest(request) {
      const { promptTokenIds } = request
      if (promptTokenIds.includes(unknownId)) {
        throw new EngineError('invalid-request', `Token id ${unknownId} is out of vocabulary`)
      }
      const index = requests.push(request) - 1
      const raw = Float32Array.of(promptTokenIds[0]!, promptTokenIds.length, 0.1, -2)
      const vector = hangs
        ? new Promise<never>(() => {})
        : Promise.resolve(finishVector(raw, request))
      return { vector, abort: () => aborted.push(index) }
    },
    stats: () => emptyStats,
    resetPrefixCache: () => true,
    dispose: () => {},
  }
  return { engine, requests, aborted, hang: () => (hangs = true) }
}

/** Letters are tokens from 101 on; a text lies between 1 and 2. */
const tokenizer: Tokenizer = {
  ...createTinyTokenizer(),
  encode: (text, { addSpecialTokens = true } = {}) => {
    const own = Array.from(text, (letter) => letter.charCodeAt(0) - 97 + 101)
    return addSpecialTokens ? [1, ...own, 2] : own
  },
}

const createServer = (model: Partial<ServedPoolingModel> = {}, maxModelLen?: number) => {
  const fake = createFakeEngine(maxModelLen)
  const handler = createFetch({
    task: 'embed',
    id: 'tiny',
    created: 1_700_000_000,
    engine: fake.engine,
    tokenizer,
    chatTemplate: null,
    vectors: { normalize: false, dimensions: 'none' },
    lowersCase: false,
    ...model,
  })
  const post = (path: string, body: unknown, init?: RequestInit) =>
    handler(
      new Request(`http://quire.test${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...init,
      }),
    )
  const embed = async (body: object) => (await post('/v1/embeddings', body)).json()
  return { ...fake, handler, post, embed }
}

const f32 = Math.fround

const cut = (dimensions: readonly number[] | 'any') => ({ normalize: true, dimensions })

describe('/v1/embeddings', () => {
  it('puts texts into lower case for a model that wants it', async () => {
    const { embed, requests } = createServer({ lowersCase: true })
    await embed({ input: ['aBC', 'D'] })
    expect(requests.map(({ promptTokenIds }) => promptTokenIds)).toEqual([
      [1, 101, 102, 103, 2],
      [1, 104, 2],
    ])
    const kept = createServer()
    await kept.embed({ input: 'aBC' })
    expect(kept.requests[0]?.promptTokenIds).toEqual([1, 101, 70, 71, 2])
  })

  it('answers in vLLM’s shape', async () => {
    const { embed } = createServer()
    const { id, created, ...reply } = await embed({ model: 'tiny', input: ['abc', 'd'] })
    expect(id).toMatch(/^embd-[0-9a-f]{16}$/)
    expect(created).toBeGreaterThan(1_700_000_000)
    expect(reply).toEqual({
      object: 'list',
      model: 'tiny',
      data: [
        { index: 0, object: 'embedding', embedding: [1, 5, f32(0.1), -2] },
        { index: 1, object: 'embedding', embedding: [1, 3, f32(0.1), -2] },
      ],
      usage: {
        prompt_tokens: 8,
        total_tokens: 8,
        completion_tokens: 0,
        prompt_tokens_details: null,
        completion_tokens_details: null,
      },
    })
  })

  it('is named by the header of the request alone', async () => {
    const { post } = createServer()
    const headers = { 'content-type': 'application/json', 'x-request-id': 'of-the-gateway' }
    const body = { input: 'a', request_id: 'mine' }
    const { id } = await (await post('/v1/embeddings', body, { headers })).json()
    expect(id).toBe('embd-of-the-gateway')
    expect((await (await post('/v1/embeddings', body)).json()).id).toMatch(/^embd-[0-9a-f]{16}$/)
  })

  it.each([
    ['abc', [[1, 101, 102, 103, 2]]],
    [
      ['a', 'b'],
      [
        [1, 101, 2],
        [1, 102, 2],
      ],
    ],
    [[7, 8], [[7, 8]]],
    [
      [[7, 8], [9]],
      [[7, 8], [9]],
    ],
  ])('takes %j', async (input, prompts) => {
    const { embed, requests } = createServer()
    await embed({ input })
    expect(requests.map(({ promptTokenIds }) => promptTokenIds)).toEqual(prompts)
  })

  it('gives base64 of little-endian f32', async () => {
    const { embed } = createServer()
    const { data } = await embed({ input: 'abc', encoding_format: 'base64' })
    const bytes = Buffer.from(data[0].embedding, 'base64')
    expect([0, 4, 8, 12].map((at) => bytes.readFloatLE(at))).toEqual([1, 5, f32(0.1), -2])
  })

  it('gives base64 of another type in another order', async () => {
    const { embed } = createServer()
    const form = { encoding_format: 'base64', embed_dtype: 'bfloat16', endianness: 'big' }
    const { data } = await embed({ input: 'abc', ...form })
    const bytes = Buffer.from(data[0].embedding, 'base64')
    expect([0, 2, 4, 6].map((at) => bytes.readUInt16BE(at))).toEqual([
      0x3f80, 0x40a0, 0x3dcd, 0xc000,
    ])
  })

  it('gives bytes, and tells in a header where each vector lies', async () => {
    const { post } = createServer({ id: 'tiny ü' })
    const body = { input: ['abc', 'a'], embed_dtype: 'float16' }
    const response = await post('/v1/embeddings', { ...body, encoding_format: 'bytes' })
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect([...new Uint16Array(bytes.buffer)]).toEqual([
      0x3c00, 0x4500, 0x2e66, 0xc000, 0x3c00, 0x4200, 0x2e66, 0xc000,
    ])
    const place = { embed_dtype: 'float16', endianness: 'native', shape: [4] }
    expect(JSON.parse(response.headers.get('metadata') ?? '')).toEqual({
      id: expect.stringMatching(/^embd-[0-9a-f]{16}$/),
      created: expect.any(Number),
      model: 'tiny ü',
      data: [
        { index: 0, ...place, start: 0, end: 8 },
        { index: 1, ...place, start: 8, end: 16 },
      ],
      usage: { prompt_tokens: 8, total_tokens: 8 },
    })
    const bare = await post('/v1/embeddings', { ...body, encoding_format: 'bytes_only' })
    expect(bare.headers.has('metadata')).toBe(false)
    expect(new Uint8Array(await bare.arrayBuffer())).toEqual(bytes)
  })

  it('hands on priority, special tokens, dimensions and whether to normalise', async () => {
    const vectors = { normalize: true, dimensions: 'any' } as const
    const { embed, requests } = createServer({ vectors })
    await embed({ input: 'a', priority: 3, dimensions: 2, add_special_tokens: false })
    await embed({ input: 'a', use_activation: false })
    expect(requests).toEqual([
      { promptTokenIds: [101], priority: 3, dimensions: 2, normalize: true },
      { promptTokenIds: [1, 101, 2], priority: 0, dimensions: null, normalize: false },
    ])
  })

  it.each([
    [{ input: 'abcdef', truncate_prompt_tokens: 5 }, [1, 101, 102, 103, 2]],
    [
      { input: 'abcdef', truncate_prompt_tokens: 5, truncation_side: 'left' },
      [1, 104, 105, 106, 2],
    ],
    [
      { input: 'abcdefghijklm', truncate_prompt_tokens: -1 },
      [1, ...Array.from({ length: 10 }, (_, i) => 101 + i), 2],
    ],
    [{ input: 'ab', truncate_prompt_tokens: 12 }, [1, 101, 102, 2]],
    [{ input: 'abc', truncate_prompt_tokens: 2 }, [1, 101]],
    [{ input: [7, 8, 9], truncate_prompt_tokens: 2 }, [7, 8]],
    [{ input: [7, 8, 9], truncate_prompt_tokens: 2, truncation_side: 'left' }, [8, 9]],
  ])('cuts a text and keeps its special tokens: %j', async (body, promptTokenIds) => {
    const { embed, requests } = createServer()
    await embed(body)
    expect(requests[0]?.promptTokenIds).toEqual(promptTokenIds)
  })

  it('embeds a chat where the model has a template', async () => {
    const { template, inputs } = createTinyTemplate()
    const { embed, requests } = createServer({ chatTemplate: template })
    await embed({ messages: [{ role: 'user', content: 'x' }] })
    expect(inputs[0]).toMatchObject({ addGenerationPrompt: false })
    // "user:x|", with no tokens around it.
    expect(requests[0]?.promptTokenIds).toHaveLength(7)
    const { error } = await createServer().embed({ messages: [] })
    expect(error.message).toMatch(/no chat template, so it can only embed `input`/)
  })

  it.each([
    [
      {},
      { input: 'a', dimensions: 2 },
      "Model 'tiny' does not support Matryoshka embeddings; dimensions must be unset (received dimensions=2).",
      'dimensions',
    ],
    [
      { vectors: cut([2, 4]) },
      { input: 'a', dimensions: 3 },
      "Model 'tiny' only supports Matryoshka dimensions [2, 4], got 3.",
      'dimensions',
    ],
    [
      { vectors: cut('any') },
      { input: 'a', dimensions: 0 },
      "Model 'tiny' only supports dimensions in range [1, 4], got 0.",
      'dimensions',
    ],
    [
      { vectors: cut('any') },
      { input: 'a', dimensions: 5 },
      "Model 'tiny' only supports dimensions in range [1, 4], got 5.",
      'dimensions',
    ],
    [
      {},
      { input: 'a', truncate_prompt_tokens: 13 },
      'truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.',
      'truncate_prompt_tokens',
    ],
    [
      {},
      { input: 'a', normalize: false },
      'Parameter `normalize` was removed; use `use_activation` instead. (parameter=normalize)',
      'normalize',
    ],
    [
      {},
      { input: 'a', normalize: null },
      'Parameter `normalize` was removed; use `use_activation` instead. (parameter=normalize)',
      'normalize',
    ],
    [{}, { input: [] }, 'You must pass at least one prompt', 'input'],
    [{}, { input: [[]] }, 'The decoder prompt cannot be empty', 'prompt'],
    [
      {},
      { input: [[1], Array.from({ length: 13 }, () => 1)] },
      "This model's maximum context length is 12 tokens. However, you requested 0 output tokens and your prompt contains at least 13 input tokens, for a total of at least 13 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=13)",
      'input_tokens',
    ],
    [
      {},
      { messages: [], chat_template: 'x' },
      'Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.',
      null,
    ],
  ] as const)('refuses, %#', async (model, body, message, param) => {
    const { post, requests } = createServer(model)
    const response = await post('/v1/embeddings', body)
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error).toMatchObject({ message, param })
    expect(requests).toHaveLength(0)
  })

  it.each([
    [{ input: 7 }, 'list_type', 'body.input'],
    [{ input: null }, 'list_type', 'body.input'],
    [{}, 'missing', 'body.input'],
    [{ input: ['a', [1]] }, 'int_parsing', 'body.input.0'],
    [{ input: 'a', encoding_format: null }, 'literal_error', 'body.encoding_format'],
    [{ input: 'a', add_special_tokens: null }, 'bool_type', 'body.add_special_tokens'],
    [{ input: 'a', priority: 1.5 }, 'int_from_float', 'body.priority'],
    [{ messages: [{ content: 'a' }] }, 'missing', 'body.messages.0.role'],
  ])('refuses a wrong type, %#', async (body, type, param) => {
    const { post } = createServer()
    const { error } = await (await post('/v1/embeddings', body)).json()
    expect(error).toMatchObject({ type: 'Bad Request', param, code: 400 })
    expect(error.message).toContain(`{'type': '${type}', 'loc': ('body', `)
  })

  it('frees the other texts when the engine refuses one, and all when the client leaves', async () => {
    const { embed, post, aborted, hang, requests } = createServer()
    const { error } = await embed({ input: [[1], [unknownId]] })
    expect(error).toMatchObject({ message: 'Token id 99999 is out of vocabulary', code: 400 })
    expect(aborted).toEqual([0])
    hang()
    const leave = new AbortController()
    const left = post('/v1/embeddings', { input: ['a', 'b'] }, { signal: leave.signal })
    await expect.poll(() => requests.length).toBe(3)
    leave.abort()
    await expect(left).rejects.toThrow()
    expect(aborted).toEqual([0, 1, 2])
  })

  it('serves the openai package as it is, which asks for base64', async () => {
    const { handler } = createServer()
    const client = new OpenAI({
      baseURL: 'http://quire.test/v1',
      apiKey: 'none',
      maxRetries: 0,
      fetch: (input, init) => handler(new Request(input, init)),
    })
    const { data, usage } = await client.embeddings.create({ model: 'tiny', input: 'abc' })
    expect(data[0]?.embedding).toEqual([1, 5, f32(0.1), -2])
    expect(usage.total_tokens).toBe(5)
  })
})

describe('what a model does not do', () => {
  it('is answered with a 404 by name', async () => {
    const { post } = createServer()
    const generator = createTestServer()
    const refusals = await Promise.all([
      post('/v1/chat/completions', {}),
      post('/v1/completions', {}),
      generator.post('/v1/embeddings', { input: 'a' }),
    ])
    const errors = await Promise.all(
      refusals.map(async (response) => (await response.json()).error),
    )
    const apis = ['Chat Completions API', 'Completions API', 'Embeddings API']
    expect(errors).toEqual(
      apis.map((api) => ({
        message: `The model does not support ${api}`,
        type: 'NotFoundError',
        param: null,
        code: 404,
      })),
    )
  })

  it('leaves the other endpoints as they are', async () => {
    const { handler, post } = createServer()
    const get = (path: string) => handler(new Request(`http://quire.test${path}`))
    const { data } = await (await get('/v1/models')).json()
    expect(data[0]).toMatchObject({ id: 'tiny', max_model_len: 12 })
    expect((await get('/health')).status).toBe(200)
    expect(await (await get('/metrics')).text()).toContain('vllm:num_requests_running')
    expect((await post('/reset_prefix_cache', {})).status).toBe(200)
  })

  it('serves invocations by what they hold', async () => {
    const { post } = createServer()
    const { data } = await (await post('/invocations', { input: ['a', 'b'] })).json()
    expect(data).toHaveLength(2)
    const refused = await post('/invocations', { prompt: 'a' })
    expect((await refused.json()).error.message).toContain("'EmbeddingCompletionRequest'")
  })

  it('tokenises', async () => {
    const { post } = createServer()
    const { tokens } = await (await post('/tokenize', { prompt: 'ab' })).json()
    expect(tokens).toEqual([1, 101, 102, 2])
  })
})
