import { describe, expect, it } from 'vitest'
import { createTestServer, refusal, type RefusalCase } from './fixtures.ts'

const tool = { type: 'function', function: { name: 'f' } }
const model = { toolParser: 'hermes' }

const vllmRefusals: readonly RefusalCase[] = [
  [
    { stream_options: { include_usage: true } },
    'Stream options can only be defined when `stream=True`. (parameter=stream_options)',
    'stream_options',
  ],
  [
    { tools: [] },
    '`tools` must not be an empty array. Either provide at least one tool or omit the field ' +
      'entirely. (parameter=tools)',
    'tools',
  ],
  [
    { tool_choice: 'auto' },
    'When using `tool_choice`, `tools` must be set. (parameter=tool_choice)',
    'tool_choice',
  ],
  [
    { tools: [tool], tool_choice: 'maybe' },
    'Invalid value for `tool_choice`: maybe! Only named tools, "none", "auto" or "required" are ' +
      'supported. (parameter=tool_choice)',
    'tool_choice',
  ],
  [
    { tools: [tool], tool_choice: { type: 'function', function: { name: 'g' } } },
    'The tool specified in `tool_choice` does not match any of the specified `tools` ' +
      '(parameter=tool_choice)',
    'tool_choice',
  ],
  [
    { tools: [tool], tool_choice: { type: 'allowed_tools' } },
    'Invalid value for `function`: `None` in `tool_choice`! Correct usage: `{"type": "function", ' +
      '"function": {"name": "my_function"}}` (parameter=tool_choice.function)',
    'tool_choice.function',
  ],
  [
    { top_logprobs: 2 },
    'when using `top_logprobs`, `logprobs` must be set to true. (parameter=top_logprobs)',
    'top_logprobs',
  ],
  [
    { logprobs: true, top_logprobs: -2 },
    '`top_logprobs` must be a positive value or -1. (parameter=top_logprobs, value=-2)',
    'top_logprobs',
  ],
  [
    { response_format: { type: 'json_schema' } },
    "When response_format type is 'json_schema', the 'json_schema' field must be provided. " +
      '(parameter=response_format)',
    'response_format',
  ],
  [
    { continue_final_message: true, add_generation_prompt: true },
    'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
    null,
  ],
  [
    { chat_template: '{{ x }}' },
    'Chat template is passed with request, but --trust-request-chat-template is not set. ' +
      'Refused request with untrusted chat template.',
    null,
  ],
  [
    { temperature: -1 },
    'temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)',
    'temperature',
  ],
  [
    { temperature: 2.25 },
    'temperature must be in [0, 2], got 2.25. (parameter=temperature, value=2.25)',
    'temperature',
  ],
  [
    { temperature: 'nan' },
    'temperature must be a finite number, got nan. (parameter=temperature, value=nan)',
    'temperature',
  ],
  [{ top_p: 0 }, 'top_p must be in (0, 1], got 0.0. (parameter=top_p, value=0.0)', 'top_p'],
  [{ top_p: 1e20 }, 'top_p must be in (0, 1], got 1e+20. (parameter=top_p, value=1e+20)', 'top_p'],
  [{ top_k: -2 }, 'top_k must be 0 (disable), or at least 1, got -2.', 'top_k'],
  [{ min_p: 2 }, 'min_p must be in [0, 1], got 2.0.', 'min_p'],
  [
    { repetition_penalty: '-inf' },
    'repetition_penalty must be a finite number, got -inf.',
    'repetition_penalty',
  ],
  [
    { max_tokens: 0 },
    'max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)',
    'max_tokens',
  ],
  [
    { max_completion_tokens: -1 },
    'max_tokens must be at least 1, got -1. (parameter=max_tokens, value=-1)',
    'max_tokens',
  ],
  [
    { min_tokens: 983 },
    'min_tokens must be less than or equal to max_tokens=982, got 983.',
    'min_tokens',
  ],
  [
    { max_tokens: 2, min_tokens: 3 },
    'min_tokens must be less than or equal to max_tokens=2, got 3.',
    'min_tokens',
  ],
  [{ n: 0 }, 'n must be at least 1, got 0.', 'n'],
  [{ n: 17 }, 'n must be at most 16, got 17.', 'n'],
  [{ n: 2, temperature: 0 }, 'n must be 1 when using greedy sampling, got 2.', 'n'],
  [{ stop: ['a', ''] }, 'stop cannot contain an empty string.', 'stop'],
  [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop can hold at most 4 strings, got 5.', 'stop'],
  [
    { max_tokens: 1001 },
    'max_tokens=1001 cannot be greater than max_model_len=max_total_tokens=1000. Please request ' +
      'fewer output tokens. (parameter=max_tokens, value=1001)',
    'max_tokens',
  ],
  [
    { max_completion_tokens: 990 },
    "This model's maximum context length is 1000 tokens. However, you requested 990 output tokens " +
      'and your prompt contains at least 11 input tokens, for a total of at least 1001 tokens. ' +
      'Please reduce the length of the input prompt or the number of requested output tokens. ' +
      '(parameter=input_tokens, value=11)',
    'input_tokens',
  ],
]

describe('refusals in vLLM’s words', () => {
  it.each(vllmRefusals)('%j', async (body, message, param) => {
    const { chat, engine } = createTestServer({ model })
    const error = await refusal(chat, body)
    expect(error).toEqual({ message, type: 'BadRequestError', param, code: 400 })
    expect(engine.requests).toHaveLength(0)
  })

  it('auto tool choice without a tool parser', async () => {
    const error = await refusal(createTestServer().chat, { tools: [tool] })
    expect(error.message).toBe(
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    )
  })

  it('a call that is insisted on without a tool parser', async () => {
    const { chat } = createTestServer()
    const required = await refusal(chat, { tools: [tool], tool_choice: 'required' })
    expect(required.message).toBe('tool_choice="required" requires --tool-call-parser to be set')
    const choice = { type: 'function', function: { name: 'f' } }
    expect(await refusal(chat, { tools: [tool], tool_choice: choice })).toEqual({
      message: 'tool_choice=function "f" requires --tool-call-parser to be set',
      type: 'BadRequestError',
      param: null,
      code: 400,
    })
  })

  it('a prompt of ids that is too long, counted whole', async () => {
    const { complete } = createTestServer()
    const prompt = Array.from({ length: 1200 }, () => 5)
    expect((await refusal(complete, { prompt })).message).toContain(
      'your prompt contains 1200 input tokens, for a total of 1216 tokens.',
    )
  })

  it('a prompt that fills the context', async () => {
    const { chat } = createTestServer({ maxModelLen: 18 })
    const error = await refusal(chat, {})
    expect(error.message).toContain('maximum context length is 18 tokens')
    expect(error.param).toBe('input_tokens')
  })

  it('another model’s name', async () => {
    expect(await refusal(createTestServer().chat, { model: 'other' })).toEqual({
      message: 'The model `other` does not exist.',
      type: 'NotFoundError',
      param: 'model',
      code: 404,
    })
  })

  it('an empty completion prompt', async () => {
    const { complete } = createTestServer()
    for (const prompt of [undefined, null, '']) {
      expect(await refusal(complete, { prompt })).toEqual({
        message:
          'Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)',
        type: 'BadRequestError',
        param: 'prompt',
        code: 400,
      })
    }
    expect((await refusal(complete, { prompt: [] })).message).toBe(
      'You must pass at least one prompt',
    )
    for (const prompt of [[[]], ['']]) {
      expect((await refusal(complete, { prompt })).message).toBe(
        'The decoder prompt cannot be empty',
      )
    }
  })
})

describe('what is not done', () => {
  it('is refused as vLLM refuses it without its flag', async () => {
    const { complete } = createTestServer({ model })
    const error = await refusal(complete, { prompt_embeds: 'AA==' })
    expect(error).toMatchObject({ code: 400, param: 'prompt_embeds' })
    expect(error.message).toBe(
      'You must set `--enable-prompt-embeds` to input `prompt_embeds`. (parameter=prompt_embeds)',
    )
  })

  it('is no matter where it asks for nothing, and unknown fields are ignored', async () => {
    const { chat } = createTestServer({ scripts: [{ pieces: ['a'] }], model })
    const response = await chat({
      logprobs: false,
      top_logprobs: 0,
      presence_penalty: 0,
      frequency_penalty: null,
      repetition_penalty: 1,
      logit_bias: {},
      bad_words: [],
      response_format: { type: 'text' },
      use_beam_search: false,
      thinking_token_budget: -1,
      priority: 0,
      store: true,
      user: 'me',
      guided_json: {},
      prompt_embeds: 'AA==',
      return_assistant_tokens_mask: true,
    })
    expect(response.status).toBe(200)
  })

  it('includes a suffix for completions', async () => {
    const { complete } = createTestServer()
    for (const suffix of ['x', '']) {
      expect((await refusal(complete, { suffix })).message).toBe(
        'suffix is not currently supported',
      )
    }
  })

  it('includes chat with a base model', async () => {
    const error = await refusal(createTestServer({ model: { chatTemplate: null } }).chat, {})
    expect(error.message).toContain('no chat template')
  })
})

const typeError = (type: string, field: string, msg: string, input: string) => ({
  message:
    `1 validation error:\n  {'type': '${type}', 'loc': ('body', '${field}'), ` +
    `'msg': ${msg}, 'input': ${input}}`,
  type: 'Bad Request',
  param: `body.${field}`,
  code: 400,
})

describe('bodies of a wrong shape', () => {
  it.each([
    [
      { temperature: 'hot' },
      'float_parsing',
      'temperature',
      "'Input should be a valid number, unable to parse string as a number'",
      "'hot'",
    ],
    [{ temperature: [1] }, 'float_type', 'temperature', "'Input should be a valid number'", '[1]'],
    [
      { max_tokens: 1.5 },
      'int_from_float',
      'max_tokens',
      "'Input should be a valid integer, got a number with a fractional part'",
      '1.5',
    ],
    [
      { presence_penalty: {} },
      'float_type',
      'presence_penalty',
      "'Input should be a valid number'",
      '{}',
    ],
    [{ logit_bias: [1] }, 'dict_type', 'logit_bias', "'Input should be a valid dictionary'", '[1]'],
    [{ bad_words: 'x' }, 'list_type', 'bad_words', "'Input should be a valid list'", "'x'"],
    [{ messages: 'hi' }, 'list_type', 'messages', "'Input should be a valid list'", "'hi'"],
    [
      { stream: 'often' },
      'bool_parsing',
      'stream',
      "'Input should be a valid boolean, unable to interpret input'",
      "'often'",
    ],
    [
      { reasoning_effort: 'some' },
      'literal_error',
      'reasoning_effort',
      String.raw`"Input should be 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'"`,
      "'some'",
    ],
  ])('%j', async (body, type, field, message, input) => {
    const error = await refusal(createTestServer().chat, body)
    expect(error).toEqual(typeError(type, field, message, input))
  })

  it('counts the room, not a default that is larger, as the most tokens', async () => {
    const { chat } = createTestServer({ model: { defaultSamplingParams: { maxTokens: 5000 } } })
    expect((await refusal(chat, { min_tokens: 983 })).message).toBe(
      'min_tokens must be less than or equal to max_tokens=982, got 983.',
    )
  })

  it('names a missing field and every other fault', async () => {
    const { post } = createTestServer()
    const response = await post('/v1/chat/completions', { n: 'x', top_p: {} })
    const { error } = await response.json()
    expect(error.message).toMatch(/^3 validation errors:\n/)
    expect(error.message).toContain(
      "{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', " +
        "'input': {'n': 'x', 'top_p': {}}}",
    )
  })

  it('reads numbers and booleans from strings, as pydantic does', async () => {
    const { chat, engine } = createTestServer({ scripts: [{ pieces: ['a'] }] })
    const response = await chat({ temperature: '0.5', max_tokens: '7', stream: 'false' })
    expect(response.status).toBe(200)
    expect(engine.requests[0]?.samplingParams).toMatchObject({ temperature: 0.5, maxTokens: 7 })
  })

  it('refuses malformed JSON, an empty body and a body that is no object', async () => {
    const { post } = createTestServer()
    for (const body of ['{"a":', '', '[]', '"x"']) {
      const response = await post('/v1/chat/completions', body)
      const { error } = await response.json()
      expect(error).toMatchObject({ type: 'Bad Request', code: 400 })
      expect(error.message).toMatch(/^1 validation error:\n {2}\{'type': '/)
    }
  })

  it('refuses another content type', async () => {
    const { chat } = createTestServer({ scripts: [{ pieces: ['a'] }] })
    const response = await chat({}, { headers: { 'content-type': 'text/plain' } })
    expect(await response.json()).toEqual({
      error: {
        message:
          "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
        type: 'Bad Request',
        param: null,
        code: 400,
      },
    })
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' }
    expect((await chat({}, { headers })).status).toBe(200)
  })
})
