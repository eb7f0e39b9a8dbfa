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
  [{ temperature: [] }, 'float_type', 'body.temperature'],
  [{ temperature: '0x1' }, 'float_parsing', 'body.temperature'],
  [{ top_p: '' }, 'float_parsing', 'body.top_p'],
  [{ top_k: 1.5 }, 'int_from_float', 'body.top_k'],
  [{ top_k: '1.5' }, 'int_parsing', 'body.top_k'],
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
  [{ stream: 1.5 }, 'bool_type', 'body.stream'],
  [{ stream: 1e20 }, 'bool_type', 'body.stream'],
  [{ stream: true, stream_options: 5 }, 'model_attributes_type', 'body.stream_options'],
  [
    { stream: true, stream_options: { include_usage: 'x' } },
    'bool_parsing',
    'body.stream_options.include_usage',
  ],
  [{ tools: {} }, 'list_type', 'body.tools'],
  [{ stream: true, stream_options: [] }, 'model_attributes_type', 'body.stream_options'],
  [{ tools: [5] }, 'model_attributes_type', 'body.tools.0'],
  [{ tools: [{ type: 'function' }] }, 'missing', 'body.tools.0.function'],
  [{ tools: [{ function: {} }] }, 'missing', 'body.tools.0.function.name'],
  [{ tools: [{ function: { name: 5 } }] }, 'string_type', 'body.tools.0.function.name'],
  [
    { tools: [{ function: { name: 'f', parameters: 'x' } }] },
    'dict_type',
    'body.tools.0.function.parameters',
  ],
  [{ tools: [{ type: 'x', function: { name: 'f' } }] }, 'literal_error', 'body.tools.0.type'],
  [
    {
      tools: [{ function: { name: 'f' } }],
      tool_choice: { type: 'x', function: { name: 'f' } },
    },
    'literal_error',
    'body.tool_choice.type',
  ],
  [{ messages: [{ content: 'x' }] }, 'missing', 'body.messages.0.role'],
  [{ messages: [{ role: 1, content: 'x' }] }, 'string_type', 'body.messages.0.role'],
  [{ messages: [{ role: 'user', content: 5 }] }, 'string_type', 'body.messages.0.content'],
  [{ messages: [{ role: 'user', content: null }] }, 'string_type', 'body.messages.0.content'],
  [{ documents: [{ title: 1 }] }, 'string_type', 'body.documents.0.title'],
  [{ repetition_detection: 5 }, 'dataclass_type', 'body.repetition_detection'],
  [{ structured_outputs: 5 }, 'dataclass_type', 'body.structured_outputs'],
  [
    { response_format: { type: 'json_schema', json_schema: { schema: {} } } },
    'missing',
    'body.response_format.json_schema.name',
  ],
  [{ priority: 1e20 }, 'less_than_equal', 'body.priority'],
  [{ truncate_prompt_tokens: 1e20 }, 'less_than_equal', 'body.truncate_prompt_tokens'],
  [{ reasoning_effort: 5 }, 'literal_error', 'body.reasoning_effort'],
  [{ chat_template_kwargs: [] }, 'dict_type', 'body.chat_template_kwargs'],
  [{ documents: [5] }, 'dict_type', 'body.documents.0'],
  [{ priority: 'x' }, 'int_parsing', 'body.priority'],
  [{ request_id: 5 }, 'string_type', 'body.request_id'],
  [{ session_id: {} }, 'string_type', 'body.session_id'],
  [{ user: 5 }, 'string_type', 'body.user'],
  [{ return_token_ids: 'x' }, 'bool_parsing', 'body.return_token_ids'],
  [{ return_prompt_text: 'x' }, 'bool_parsing', 'body.return_prompt_text'],
  [{ truncate_prompt_tokens: 0.5 }, 'int_from_float', 'body.truncate_prompt_tokens'],
  [{ stream_interval: -1 }, 'greater_than_equal', 'body.stream_interval'],
]

/** What vLLM does not take null for. */
const neverNull = {
  use_beam_search: 'bool_type',
  length_penalty: 'float_type',
  include_stop_str_in_output: 'bool_type',
  ignore_eos: 'bool_type',
  min_tokens: 'int_type',
  skip_special_tokens: 'bool_type',
  spaces_between_special_tokens: 'bool_type',
  bad_words: 'list_type',
  echo: 'bool_type',
  add_special_tokens: 'bool_type',
  priority: 'int_type',
  request_id: 'string_type',
  include_reasoning: 'bool_type',
  add_generation_prompt: 'bool_type',
  continue_final_message: 'bool_type',
}

/** Null says nothing in these. */
const mayBeNull = `
  model frequency_penalty logit_bias logprobs top_logprobs max_tokens n
  max_completion_tokens presence_penalty response_format seed stop stream stream_options
  temperature top_p tools reasoning_effort user top_k parallel_tool_calls min_p
  repetition_penalty stop_token_ids session_id truncate_prompt_tokens truncation_side
  prompt_logprobs logprob_token_ids allowed_token_ids thinking_token_budget documents
  chat_template cache_salt chat_template_kwargs structured_outputs
  return_tokens_as_token_ids tool_choice return_token_ids return_prompt_text
  repetition_detection stream_interval`
  .trim()
  .split(/\s+/)

describe('null', () => {
  it.each(Object.entries(neverNull))('is refused as %s', async (field, type) => {
    const { chat } = createTestServer()
    const error = await refusal(chat, { [field]: null })
    expect(error).toMatchObject({ type: 'Bad Request', param: `body.${field}`, code: 400 })
    expect(error.message).toContain(`{'type': '${type}', 'loc': ('body', '${field}')`)
    expect(error.message).toContain("'input': None}")
  })

  it('is nothing in all other fields', async () => {
    const { chat } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    const body = Object.fromEntries(mayBeNull.map((field) => [field, null]))
    expect((await chat(body)).status).toBe(200)
  })

  it('is refused as a completion’s n, and nothing as its echo', async () => {
    const { complete } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    expect((await refusal(complete, { n: null })).param).toBe('body.n')
    expect((await complete({ echo: null, max_tokens: null })).status).toBe(200)
  })
})

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
    expect(error.message).toMatch(/^2 validation errors:\n.*'stop', 0\).*\n.*'bad_words', 0\)/)
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
    ['"temperature":1e999', 'temperature must be a finite number, got inf.'],
    ['"top_k":-1e999', 'finite_number'],
    ['"logit_bias":{"5":1e999,"99999999999999999999":1}', 'out-of-vocab'],
    ['"truncate_prompt_tokens":1e300', 'less_than_equal'],
    ['"priority":1e308', 'less_than_equal'],
    [`"seed":${'9'.repeat(400)}`, 'finite_number'],
  ])('%s', async (fields, message) => {
    expect((await post(fields)).message).toContain(message)
  })

  it('are served where they mean something', async () => {
    expect(await post('"priority":9223372036854774784')).toBe(200)
    expect(await post('"logit_bias":{"5":1e999}')).toBe(200)
    expect(await post('"top_k":1e308,"top_p":1')).toBe(200)
    expect(await post('"top_k":-1')).toBe(200)
    expect(await post('"seed":9223372036854774784')).toBe(200)
  })
})

describe('values that stand for others', () => {
  it('are numbers for which a boolean, and booleans for which a word is given', async () => {
    const { chat, engine } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    const body = { temperature: true, top_p: '.5', max_tokens: '7.0', stream: 'FALSE', n: true }
    expect((await chat(body)).status).toBe(200)
    const expected = { temperature: 1, topP: 0.5, maxTokens: 7 }
    expect(engine.requests[0]?.samplingParams).toMatchObject(expected)
  })

  it('are a stream for the word "true"', async () => {
    const { chat } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    const response = await chat({ stream: 'true' })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
  })

  it('are no seed for -1', async () => {
    const { chat, engine } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    await chat({ seed: -1 })
    expect(engine.requests[0]?.samplingParams.seed).toBeNull()
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
    expect(await errorOf('[]')).toMatchObject({
      message: expect.stringContaining("'model_attributes_type', 'loc': ('body',)"),
      param: 'body',
    })
  })
})

describe('prompts of a wrong type', () => {
  it.each([
    [5, 'list_type', 'body.prompt'],
    [{ a: 1 }, 'list_type', 'body.prompt'],
    [[-1], 'greater_than_equal', 'body.prompt.0'],
    [[1, 1.5], 'int_from_float', 'body.prompt.1'],
    [['a', [1]], 'int_parsing', 'body.prompt.0'],
    [[[1], 'a'], 'int_type', 'body.prompt.0'],
    [[null], 'int_type', 'body.prompt.0'],
  ])('%j', async (prompt, type, param) => {
    const error = await refusal(createTestServer().complete, { prompt })
    expect(error).toMatchObject({ type: 'Bad Request', param, code: 400 })
    expect(error.message).toContain(`{'type': '${type}', 'loc': ('body', 'prompt'`)
  })

  it('are texts, not ids, where they are digits', async () => {
    const { complete, engine, tokenizer } = createTestServer({ scripts: [{ pieces: [eos] }] })
    await complete({ prompt: ['7'] })
    expect(engine.requests[0]?.promptTokenIds).toEqual(tokenizer.ids('7'))
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
