import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { parseResponsesRequest, toChatBody } from '../../../src/server/responses/request.ts'
import { thoughtful } from './clients/client-fixtures.ts'
import { createTestServer, eos, type RefusalCase, type TestServerOptions } from './fixtures.ts'

const hi = { input: 'hi' }
const weather = { type: 'function', name: 'weather', parameters: { type: 'object' } }

const toChat = (body: object) => toChatBody(parseResponsesRequest({ ...hi, ...body }), [], 'resp_1')

/** The messages that the template gets for an `input`. */
const messagesOf = async (input: unknown, body: object = {}) => {
  const { post, templateInputs } = createTestServer({ scripts: [{ pieces: [eos] }] })
  const response = await post('/v1/responses', { input, ...body })
  expect(response.status).toBe(200)
  return templateInputs[0]?.messages
}

const send = async (body: object, options: TestServerOptions = {}) => {
  const server = createTestServer({ scripts: [{ pieces: ['a', eos] }], ...options })
  const response = await server.post('/v1/responses', { ...hi, ...body })
  return { ...server, response, json: await response.json() }
}

const fetchPath = ({ handler }: { handler: (request: Request) => Promise<Response> }) => {
  return (path: string, method = 'GET') =>
    handler(new Request(`http://quire.test${path}`, { method }))
}

const call = (id: string) => ({
  type: 'function_call',
  call_id: id,
  name: 'weather',
  arguments: '{"city":"Oslo"}',
})

const toolCall = (id: string) => ({
  id,
  type: 'function',
  function: { name: 'weather', arguments: { city: 'Oslo' } },
})

const say = (content: string) => ({ role: 'assistant', content })

describe('the input of a response', () => {
  it('puts instructions before it', async () => {
    expect(await messagesOf('hi', { instructions: 'Be short.' })).toEqual([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'hi' },
    ])
  })

  it('takes messages of every role, with and without a type', async () => {
    const parts = [{ type: 'input_text', text: 'b' }]
    const input = [
      { role: 'developer', content: 'a' },
      { type: 'message', role: 'user', content: parts, status: 'completed', id: 'msg_1' },
      { role: 'assistant', content: [{ type: 'output_text', text: 'c', annotations: [] }] },
    ]
    expect(await messagesOf(input)).toEqual([
      { role: 'system', content: 'a' },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
    ])
  })

  it('joins reasoning, text and calls of one turn, and begins a new one after results', async () => {
    const result = { type: 'function_call_output', call_id: '2', output: '3' }
    const reasoning = {
      type: 'reasoning',
      summary: [],
      content: [{ type: 'reasoning_text', text: 'hm' }],
    }
    const answer = { type: 'message', role: 'assistant', content: 'Wait.' }
    const input = [reasoning, answer, call('1'), call('2'), result, reasoning, reasoning, answer]
    expect(await messagesOf(input)).toEqual([
      {
        role: 'assistant',
        content: 'Wait.',
        reasoning: 'hm',
        tool_calls: [toolCall('1'), toolCall('2')],
      },
      { role: 'tool', content: '3', tool_call_id: '2' },
      { role: 'assistant', content: '', reasoning: 'hm' },
      { role: 'assistant', content: 'Wait.', reasoning: 'hm' },
    ])
  })

  it('keeps two messages of the assistant apart', async () => {
    expect(await messagesOf([say('a'), say('b')])).toEqual([say('a'), say('b')])
  })

  it('reads the summary of reasoning that has no content', async () => {
    const summary = [{ type: 'summary_text', text: 'hm' }]
    const [message] = (await messagesOf([{ type: 'reasoning', summary }])) ?? []
    expect(message).toMatchObject({ reasoning: 'hm' })
  })

  it('is gone on with where its last item is unfinished', async () => {
    const { templateInputs } = await send({
      input: [{ type: 'message', role: 'assistant', content: 'On', status: 'incomplete' }],
    })
    expect(templateInputs[0]).toMatchObject({
      continueFinalMessage: true,
      addGenerationPrompt: false,
    })
  })
})

describe('the chat request of a response', () => {
  it('has the tools that are functions, in chat’s form', () => {
    const tools = [{ ...weather, strict: true }, { type: 'web_search' }]
    expect(toChat({ tools })).toMatchObject({
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
      tool_choice: 'auto',
    })
    expect(toChat({ tools: [{ type: 'web_search' }] })).not.toHaveProperty('tools')
  })

  it('names a tool as chat does', () => {
    const tool_choice = { type: 'function', name: 'weather' }
    expect(toChat({ tools: [weather], tool_choice })).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'weather' } },
    })
  })

  it('has the format of the text as a response format', () => {
    const jsonSchema = { name: 'x', schema: { type: 'object' }, strict: true }
    expect(toChat({ text: { format: { type: 'json_schema', ...jsonSchema } } })).toMatchObject({
      response_format: { type: 'json_schema', json_schema: jsonSchema },
    })
    expect(toChat({ text: { format: { type: 'json_object' } } })).toMatchObject({
      response_format: { type: 'json_object' },
    })
  })

  it('asks for log probabilities where they are included', () => {
    const include = ['message.output_text.logprobs']
    expect(toChat({ include, top_logprobs: 2 })).toMatchObject({ logprobs: true, top_logprobs: 2 })
    expect(toChat({ top_logprobs: 2 })).not.toHaveProperty('logprobs')
  })

  it('passes sampling, the effort and the truncation on', () => {
    const same = { temperature: 0.5, top_p: 0.5, seed: 7, stop: ['x'], parallel_tool_calls: false }
    const body = { ...same, reasoning: { effort: 'low' }, truncation: 'auto', user: 'ada' }
    expect(toChat(body)).toEqual({
      ...same,
      messages: [{ type: undefined, role: 'user', content: 'hi' }],
      request_id: 'resp_1',
      reasoning_effort: 'low',
      truncate_prompt_tokens: -1,
    })
  })
})

describe('a response', () => {
  it('has the client’s own id', async () => {
    const { json, engine } = await send({ request_id: 'mine' })
    expect(json.id).toBe('mine')
    expect(engine.requests[0]?.requestId).toContain('mine')
  })

  it('says which sampling parameters it was made with', async () => {
    const { json } = await send(
      { max_output_tokens: 9 },
      { model: { defaultSamplingParams: { temperature: 0.5, topP: 0.25 } } },
    )
    expect(json).toMatchObject({ temperature: 0.5, top_p: 0.25, max_output_tokens: 9 })
  })

  it('says what it was asked for', async () => {
    const reasoning = { effort: 'low', summary: 'auto' }
    const schema = { type: 'object', properties: {} }
    const format = { type: 'json_schema', name: 'x', schema, strict: true }
    const { json } = await send({ reasoning, text: { format, verbosity: 'low' }, user: 'ada' })
    expect(json).toMatchObject({ reasoning, text: { format, verbosity: 'low' }, user: 'ada' })
  })

  it('counts the tokens of its reasoning and those from the cache', async () => {
    const pieces = ['<think>', 'so', '</think>', 'yes', eos]
    const { json } = await send(
      {},
      { scripts: [{ pieces, numCachedTokens: 16 }], model: { reasoningParser: 'qwen3' } },
    )
    expect(json.usage).toMatchObject({ input_tokens: 18, output_tokens: 5, total_tokens: 23 })
    expect(json.usage.input_tokens_details).toEqual({ cached_tokens: 16 })
    expect(json.usage.output_tokens_details).toEqual({ reasoning_tokens: 1, tool_output_tokens: 0 })
  })

  it('leaves out reasoning and further calls where they are not wanted', async () => {
    const call = ['<tool_call>', '{"name": "weather", "arguments": {}}', '</tool_call>']
    const pieces = ['<think>', 'so', '</think>', ...call, ...call, eos]
    const { json } = await send(
      { tools: [weather], include_reasoning: false, parallel_tool_calls: false },
      { scripts: [{ pieces }], model: { reasoningParser: 'qwen3', toolParser: 'hermes' } },
    )
    expect(json.output.map(({ type }: { type: string }) => type)).toEqual(['function_call'])
  })

  it('gives a text the log probabilities of the tokens since the item before, and of the end', async () => {
    const call = ['<tool_call>', '{"name": "weather", "arguments": {}}', '</tool_call>']
    const pieces = ['<think>', 'so', '</think>', 'a', 'b', ...call, eos]
    const { json } = await send(
      { tools: [weather], include: ['message.output_text.logprobs'] },
      { scripts: [{ pieces }], model: { reasoningParser: 'qwen3', toolParser: 'hermes' } },
    )
    const [, { content }] = json.output
    const tokens = content[0].logprobs.map(({ token }: { token: string }) => token)
    expect(tokens).toEqual(['</think>', 'a', 'b'])
    const plain = await send({ include: ['message.output_text.logprobs'] })
    expect(plain.json.output[0].content[0].logprobs).toHaveLength(2)
  })

  it('is aborted with its request', async () => {
    const { post, engine } = createTestServer({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const controller = new AbortController()
    const response = post(
      '/v1/responses',
      {},
      { body: JSON.stringify(hi), signal: controller.signal },
    )
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(engine.running.size).toBe(1)
    controller.abort()
    await expect(response).rejects.toThrow('aborted')
    expect(engine.running.size).toBe(0)
  })

  it('is counted under one path, whatever its id', async () => {
    const server = createTestServer()
    const get = fetchPath(server)
    await get('/v1/responses/resp_1')
    await get('/v1/responses/resp_2')
    const metrics = await (await get('/metrics')).text()
    expect(metrics).toMatch(/path="\/v1\/responses\/\{response_id\}".*2\n/)
  })
})

const found = (facts: string) => `1 validation error:\n  {${facts}}`

const refusals: readonly RefusalCase[] = [
  [{ prompt: { id: 'x' } }, 'prompt template is not supported (parameter=prompt)', 'prompt'],
  [
    { background: true, store: false },
    'background can only be used when `store` is true (parameter=background)',
    'background',
  ],
  [
    { tool_choice: 'required' },
    "Tool choice 'required' must be specified with 'tools' parameter. (parameter=tool_choice)",
    'tool_choice',
  ],
  [
    { tools: [weather], tool_choice: { type: 'function', name: 'other' } },
    "Tool choice 'function' not found in 'tools' parameter. (parameter=tool_choice)",
    'tool_choice',
  ],
  [
    { text: { format: { type: 'text' } }, structured_outputs: { choice: ['a'] } },
    'Cannot specify both structured_outputs and text.format (parameter=structured_outputs)',
    'structured_outputs',
  ],
  [
    { tool_choice: 'required', tools: [{ type: 'web_search' }] },
    "Tool choice 'required' must be specified with 'tools' parameter. (parameter=tool_choice)",
    'tool_choice',
  ],
  [
    { tool_choice: 'maybe' },
    found(
      "'type': 'literal_error', 'loc': ('body', 'tool_choice'), " +
        "'msg': \"Input should be 'none', 'auto' or 'required'\", 'input': 'maybe'",
    ),
    'body.tool_choice',
  ],
  [
    { tools: [weather, { type: 'function' }] },
    found(
      "'type': 'missing', 'loc': ('body', 'tools', 1, 'name'), " +
        "'msg': 'Field required', 'input': {'type': 'function'}",
    ),
    'body.tools.1.name',
  ],
  [
    { reasoning: { effort: 'wild', summary: 'auto' } },
    found(
      "'type': 'literal_error', 'loc': ('body', 'reasoning', 'effort'), 'msg': \"Input should be " +
        "'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'\", 'input': 'wild'",
    ),
    'body.reasoning.effort',
  ],
  [
    { text: { format: { type: 'grammar' } } },
    found(
      "'type': 'literal_error', 'loc': ('body', 'text', 'format', 'type'), 'msg': " +
        "\"Input should be 'text', 'json_object' or 'json_schema'\", 'input': 'grammar'",
    ),
    'body.text.format.type',
  ],
  [
    { text: { format: { type: 'json_schema', name: 'x' } } },
    found(
      "'type': 'missing', 'loc': ('body', 'text', 'format', 'schema'), " +
        "'msg': 'Field required', 'input': {'type': 'json_schema', 'name': 'x'}",
    ),
    'body.text.format.schema',
  ],
  [{ input: 7 }, '`input` must be a string or a list of items.', 'body.input'],
  [{ input: ['a'] }, 'Each item of `input` must be an object.', 'input'],
  [
    { input: [{ type: 'item_reference', id: 'x' }] },
    'This engine keeps no responses, so the item "x" can\'t be referred to. Send the item ' +
      'itself (many clients do with `store: false`), or set `enableResponsesStore` when ' +
      'creating the engine.',
    'input',
  ],
  [
    { input: [{ type: 'computer_call', call_id: 'x' }] },
    "Unsupported input item type: 'computer_call'. " +
      'Supported types: message, reasoning, function_call, function_call_output, item_reference.',
    'input',
  ],
  [
    { input: [{ type: 'reasoning', summary: [], encrypted_content: 'x' }] },
    'Encrypted content is not supported.',
    'input',
  ],
  [
    { input: [{ type: 'function_call', name: 'weather', arguments: '{}' }] },
    'A `function_call` item needs a `name` and a `call_id`.',
    'input',
  ],
  [
    { previous_input_messages: [{}] },
    '`previous_input_messages` is not supported by this version.',
    'previous_input_messages',
  ],
  [
    { max_output_tokens: 1001 },
    'max_output_tokens=1001 cannot be greater than max_model_len=max_total_tokens=1000. ' +
      'Please request fewer output tokens. (parameter=max_output_tokens, value=1001)',
    'max_output_tokens',
  ],
]

describe('refusals of responses', () => {
  it.each(refusals)('%j', async (body, message, param) => {
    const { response, json } = await send(body)
    expect(response.status).toBe(400)
    expect(json.error).toMatchObject({ message, param })
  })

  it('are not of fields that ask for nothing', async () => {
    const { response } = await send({ previous_input_messages: [], enable_response_messages: 0 })
    expect(response.status).toBe(200)
  })

  it('are of a kind of their own without a store', async () => {
    const get = fetchPath(createTestServer())
    const missing = {
      error: {
        message: "Response with id 'x' not found.",
        type: 'invalid_request_error',
        param: 'response_id',
        code: 404,
      },
    }
    expect(await (await get('/v1/responses/x')).json()).toEqual(missing)
    expect(await (await get('/v1/responses/x/cancel', 'POST')).json()).toEqual(missing)
    expect((await send({ previous_response_id: 'x' })).json).toEqual(missing)
    const { json } = await send({ background: true })
    expect(json.error).toMatchObject({ type: 'invalid_request_error', param: 'background' })
  })
})

describe('the store of responses', () => {
  const serving = { enableResponsesStore: true }

  it('keeps none that does not want to be kept', async () => {
    const { json, handler } = await send({ store: false }, { serving })
    expect((await fetchPath({ handler })(`/v1/responses/${json.id}`)).status).toBe(404)
  })

  it('keeps those that are streamed', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['a', eos] }], serving })
    await (await server.post('/v1/responses', { ...hi, stream: true, request_id: 'mine' })).text()
    const stored = await (await fetchPath(server)('/v1/responses/mine')).json()
    expect(stored).toMatchObject({ id: 'mine', status: 'completed' })
  })

  it('has no events of responses that did not run in the background', async () => {
    const { json, handler } = await send({}, { serving })
    const response = await fetchPath({ handler })(`/v1/responses/${json.id}?stream=true`)
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error.message).toContain(`Unknown response_id: ${json.id}`)
  })

  it('goes on with calls, but without thoughts', async () => {
    const call = ['<tool_call>', '{"name": "weather", "arguments": {}}', '</tool_call>']
    const { post, templateInputs } = createTestServer({
      scripts: [{ pieces: ['<think>', 'so', '</think>', ...call, eos] }, { pieces: [eos] }],
      model: { reasoningParser: 'qwen3', toolParser: 'hermes' },
      serving,
    })
    const first = await (await post('/v1/responses', { ...hi, tools: [weather] })).json()
    const { call_id } = first.output.at(-1)
    await post('/v1/responses', {
      input: [{ type: 'function_call_output', call_id, output: '3' }],
      previous_response_id: first.id,
      tools: [weather],
    })
    expect(templateInputs[1]?.messages).toMatchObject([
      { role: 'user', content: 'hi' },
      { role: 'assistant', tool_calls: [{ id: call_id }] },
      { role: 'tool', content: '3', tool_call_id: call_id },
    ])
    expect(templateInputs[1]?.messages[1]).not.toHaveProperty('reasoning')
  })

  it('puts kept items in the place of references to them', async () => {
    const { post, templateInputs } = createTestServer({
      scripts: [thoughtful, { pieces: [eos] }, { pieces: [eos] }],
      model: { reasoningParser: 'qwen3' },
      serving,
    })
    const question = { role: 'user', content: 'hi' }
    const thanks = { role: 'user', content: 'thanks' }
    const first = await (await post('/v1/responses', { input: [question] })).json()
    const references = first.output.map(({ id }: { id: string }) => ({
      type: 'item_reference',
      id,
    }))
    const input = [question, ...references, thanks]
    const second = await (await post('/v1/responses', { input })).json()
    const answer = { role: 'assistant', reasoning: 'Two and two.', content: 'Four.' }
    expect(templateInputs[1]?.messages).toMatchObject([question, answer, thanks])
    await post('/v1/responses', { input: [thanks], previous_response_id: second.id })
    expect(templateInputs[2]?.messages.slice(0, 2)).toMatchObject([question, answer])
    const unknown = [{ type: 'item_reference', id: 'x' }]
    const refused = await post('/v1/responses', { input: unknown })
    expect(refused.status).toBe(400)
    expect((await refused.json()).error).toMatchObject({
      message: 'No kept response holds the item "x". Send the item itself.',
      param: 'input',
    })
  })

  it('streams what runs in the background, and lets it run on when the reader leaves', async () => {
    const server = createTestServer({
      scripts: [{ pieces: ['a', 'b', eos] }],
      serving,
    })
    const response = await server.post('/v1/responses', {
      ...hi,
      background: true,
      stream: true,
      request_id: 'mine',
    })
    await response.body?.cancel()
    await expect
      .poll(async () => (await (await fetchPath(server)('/v1/responses/mine')).json()).status)
      .toBe('completed')
    expect(server.engine.aborted.size).toBe(0)
  })

  it('tells what failed in the background', async () => {
    const end = new EngineError('internal', 'It broke.')
    const server = createTestServer({ scripts: [{ pieces: ['a'], end }], serving })
    await server.post('/v1/responses', { ...hi, background: true, request_id: 'mine' })
    const get = fetchPath(server)
    const events = await (await get('/v1/responses/mine?stream=true')).text()
    expect(events).toContain('event: error\ndata: {"error":{"message":"It broke."')
    expect(await (await get('/v1/responses/mine')).json()).toMatchObject({
      status: 'failed',
      error: { message: 'It broke.' },
    })
  })
})
