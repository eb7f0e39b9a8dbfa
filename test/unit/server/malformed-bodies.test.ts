import { describe, expect, it } from 'vitest'
import { createTestServer, eos, refusal } from './fixtures.ts'

/** A body, the type that pydantic gives to what is wrong with it, and the field's path. */
const wrongTypes: readonly (readonly [
  body: Record<string, unknown>,
  type: string,
  param: string,
])[] = [
  [{ model: 5 }, 'string_type', 'body.model'],
  [{ messages: {} }, 'list_type', 'body.messages'],
  [{ messages: ['hi'] }, 'dict_type', 'body.messages.0'],
  [{ messages: [{ role: 'user', content: 'a' }, null] }, 'dict_type', 'body.messages.1'],
  [{ temperature: true }, 'float_type', 'body.temperature'],
  [{ top_p: '' }, 'float_parsing', 'body.top_p'],
  [{ top_k: 1.5 }, 'int_from_float', 'body.top_k'],
  [{ top_k: '1.5' }, 'int_parsing', 'body.top_k'],
  [{ n: true }, 'int_type', 'body.n'],
  [{ n: [] }, 'int_type', 'body.n'],
  [{ min_p: {} }, 'float_type', 'body.min_p'],
  [{ seed: 'x' }, 'int_parsing', 'body.seed'],
  [{ seed: 1e300 }, 'less_than_equal', 'body.seed'],
  [{ seed: -1e300 }, 'greater_than_equal', 'body.seed'],
  [{ stop: 5 }, 'list_type', 'body.stop'],
  [{ stop: ['a', 5] }, 'string_type', 'body.stop.1'],
  [{ stop_token_ids: ['x'] }, 'int_parsing', 'body.stop_token_ids.0'],
  [{ allowed_token_ids: 5 }, 'list_type', 'body.allowed_token_ids'],
  [{ bad_words: [null] }, 'string_type', 'body.bad_words.0'],
  [{ logit_bias: { 5: 'x' } }, 'float_parsing', 'body.logit_bias.5'],
  [{ stream: 2 }, 'bool_parsing', 'body.stream'],
  [{ stream: [] }, 'bool_type', 'body.stream'],
  [{ stream: true, stream_options: 5 }, 'model_attributes_type', 'body.stream_options'],
  [
    { stream: true, stream_options: { include_usage: 'x' } },
    'bool_parsing',
    'body.stream_options.include_usage',
  ],
  [{ tools: {} }, 'list_type', 'body.tools'],
  [{ tools: [5] }, 'dict_type', 'body.tools.0'],
  [{ reasoning_effort: 5 }, 'literal_error', 'body.reasoning_effort'],
  [{ chat_template_kwargs: [] }, 'dict_type', 'body.chat_template_kwargs'],
  [{ documents: [5] }, 'dict_type', 'body.documents.0'],
  [{ priority: 'x' }, 'int_parsing', 'body.priority'],
  [{ request_id: 5 }, 'string_type', 'body.request_id'],
  [{ session_id: {} }, 'string_type', 'body.session_id'],
  [{ user: 5 }, 'string_type', 'body.user'],
  [{ cache_salt: 5 }, 'string_type', 'body.cache_salt'],
  [{ return_token_ids: 'x' }, 'bool_parsing', 'body.return_token_ids'],
  [{ return_prompt_text: 'x' }, 'bool_parsing', 'body.return_prompt_text'],
  [{ truncate_prompt_tokens: 0.5 }, 'int_from_float', 'body.truncate_prompt_tokens'],
  [{ stream_interval: -1 }, 'greater_than_equal', 'body.stream_interval'],
]

const hi = '"messages":[{"role":"user","content":"hi"}]'

describe('values of a wrong type', () => {
  it.each(wrongTypes)('%j', async (body, type, param) => {
    const { chat, engine } = createTestServer()
    const error = await refusal(chat, body)
    expect(error).toMatchObject({ type: 'Bad Request', param, code: 400 })
    expect(error.message).toMatch(/^1 validation error:\n/)
    expect(error.message).toContain(`{'type': '${type}', 'loc': ('body', `)
    expect(engine.requests).toHaveLength(0)
  })

  it('are told for the first item of a list alone', async () => {
    const error = await refusal(createTestServer().chat, { stop: [1, 2], bad_words: [3, 4] })
    expect(error.message).toMatch(/^2 validation errors:\n.*'bad_words', 0\).*\n.*'stop', 0\)/)
  })
})

const post = async (fields: string, path = '/v1/chat/completions') => {
  const { post: send } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
  const response = await send(path, `{${hi},"prompt":"ab",${fields}}`)
  const { error } = await response.json()
  return error ?? response.status
}

describe('numbers beyond all bounds', () => {
  it.each([
    ['"max_tokens":1e999', 'finite_number'],
    ['"n":1e999', 'finite_number'],
    ['"n":1e308', 'n must be at most 16'],
    ['"max_tokens":1e308', 'max_tokens=1e+308 cannot be greater than max_model_len='],
    ['"temperature":1e999', 'temperature must be in [0, 2], got Infinity.'],
    ['"top_k":-1e999', 'finite_number'],
    ['"logit_bias":{"5":1e999,"99999999999999999999":1}', 'out-of-vocab'],
    ['"truncate_prompt_tokens":1e300', 'cannot be greater than max_model_len'],
    [`"seed":${'9'.repeat(400)}`, 'finite_number'],
  ])('%s', async (fields, message) => {
    expect((await post(fields)).message).toContain(message)
  })

  it('are served where they mean something', async () => {
    expect(await post('"priority":1e308')).toBe(200)
    expect(await post('"logit_bias":{"5":1e999}')).toBe(200)
    expect(await post('"top_k":1e308,"top_p":1')).toBe(200)
    expect(await post('"top_k":-1')).toBe(200)
    expect(await post('"seed":9223372036854774784')).toBe(200)
  })
})

const errorOf = async (body: string) => {
  const response = await createTestServer().post('/v1/chat/completions', body)
  return (await response.json()).error
}

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

describe('JSON that is no request', () => {
  it('is refused where it nests too deeply', async () => {
    expect(await errorOf(`{${hi},"x":${deep(100_000)}}`)).toMatchObject({
      type: 'Bad Request',
      message: expect.stringContaining("'type': 'json_invalid'"),
      code: 400,
    })
    const server = createTestServer({ scripts: [{ pieces: [eos] }] })
    const shallow = await server.post('/v1/chat/completions', `{${hi},"x":${deep(200)}}`)
    expect(shallow.status).toBe(200)
  })

  it('is refused where the arguments of a call do', async () => {
    const { chat } = createTestServer()
    const text = '['.repeat(100_000) + ']'.repeat(100_000)
    const call = { type: 'function', function: { name: 'f', arguments: text } }
    const error = await refusal(chat, {
      messages: [{ role: 'assistant', content: null, tool_calls: [call] }],
    })
    expect(error).toMatchObject({ type: 'BadRequestError', param: 'messages' })
  })

  it('is told where it breaks off', async () => {
    expect(await errorOf('{"messages" 5}')).toMatchObject({
      message:
        "1 validation error:\n  {'type': 'json_invalid', 'loc': ('body', 12), " +
        "'msg': 'JSON decode error', 'input': {}}",
      param: 'body.12',
    })
    expect(await errorOf('')).toMatchObject({ param: 'body' })
  })
})

describe('prompts that can’t fit', () => {
  it('are refused before they are tokenised', async () => {
    const { tokenizer } = createTestServer()
    let numEncoded = 0
    const counting = {
      ...tokenizer,
      encode: (text: string) => {
        numEncoded += 1
        return tokenizer.encode(text)
      },
    }
    const { complete } = createTestServer({ model: { tokenizer: counting } })
    const error = await refusal(complete, { prompt: 'x'.repeat(11_809) })
    expect(error).toEqual({
      message:
        "This model's maximum context length is 1000 tokens. However, you requested 16 output " +
        'tokens and your prompt contains 11809 characters (more than 11808 characters, which is ' +
        'the upper bound for 984 input tokens). Please reduce the length of the input prompt or ' +
        'the number of requested output tokens. (parameter=input_text, value=11809)',
      type: 'BadRequestError',
      param: 'input_text',
      code: 400,
    })
    expect(numEncoded).toBe(0)
  })

  it('are refused where there are too many', async () => {
    const { complete } = createTestServer()
    const error = await refusal(complete, { prompt: Array.from({ length: 1025 }, () => 'a') })
    expect(error.message).toBe(
      'prompt list length 1025 exceeds the maximum allowed count of 1024. (parameter=prompt)',
    )
  })
})
