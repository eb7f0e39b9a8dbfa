import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { createTestServer, eos, normalise, type PieceScript } from './fixtures.ts'

const weatherTool = { type: 'function', function: { name: 'weather' } }

const complete = async (
  scripts: readonly PieceScript[],
  body: Record<string, unknown> = {},
  model: { toolParser?: string; reasoningParser?: string } = {},
) => {
  const response = await createTestServer({ scripts, model }).chat(body)
  expect(response.status).toBe(200)
  return normalise(await response.text())
}

const message = async (...args: Parameters<typeof complete>) =>
  JSON.parse(await complete(...args)).choices[0]

const reasoningTokens = async (pieces: string[]) => {
  const script = { pieces, end: 'length' as const }
  const body = await complete([script], {}, { reasoningParser: 'deepseek_r1' })
  return JSON.parse(body).usage.completion_tokens_details.reasoning_tokens
}

describe('a whole chat reply', () => {
  it('has every field of vLLM’s, in its order', async () => {
    expect(await complete([{ pieces: ['Hi', '!', eos] }])).toBe(
      '{"id":"chatcmpl-ID","object":"chat.completion","created":0,"model":"tiny","choices":[' +
        '{"index":0,"message":{"role":"assistant","content":"Hi!","refusal":null,' +
        '"annotations":null,"audio":null,"function_call":null,"reasoning":null,' +
        '"reasoning_content":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,' +
        '"token_ids":null,"routed_experts":null}],"service_tier":null,' +
        '"system_fingerprint":"quire-1.2.3-6135e66b","usage":{"prompt_tokens":18,' +
        '"total_tokens":21,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0},' +
        '"completion_tokens_details":null},"prompt_logprobs":null,"prompt_token_ids":null,' +
        '"prompt_text":null,"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}',
    )
  })

  it('tells tool calls, with null for content', async () => {
    const pieces = [
      '<tool_call>',
      '{"name": "weather", "arguments": {"city": "Oslo"}}',
      '</tool_call>',
    ]
    const choice = await message(
      [{ pieces: [...pieces, eos] }],
      { tools: [weatherTool] },
      {
        toolParser: 'hermes',
      },
    )
    expect(choice.finish_reason).toBe('tool_calls')
    expect(Object.keys(choice.message)).toEqual([
      'role',
      'content',
      'refusal',
      'annotations',
      'audio',
      'function_call',
      'tool_calls',
      'reasoning',
      'reasoning_content',
    ])
    expect(choice.message.content).toBeNull()
    expect(choice.message.tool_calls).toEqual([
      {
        id: 'chatcmpl-tool-ID',
        type: 'function',
        function: { name: 'weather', arguments: '{"city": "Oslo"}' },
      },
    ])
  })

  it('leaves calls in the content under tool_choice none, and renders the tools', async () => {
    const server = createTestServer({
      scripts: [{ pieces: ['<tool_call>', '{"name": "weather"}', '</tool_call>', eos] }],
      model: { toolParser: 'hermes' },
    })
    const response = await server.chat({ tools: [weatherTool], tool_choice: 'none' })
    const { choices } = await response.json()
    expect(choices[0].message.tool_calls).toBeUndefined()
    expect(choices[0].finish_reason).toBe('stop')
    expect(server.templateInputs[0]?.tools).toEqual([weatherTool])
  })

  it('splits reasoning off and counts its tokens', async () => {
    const pieces = ['<think>', 'a', 'b', '</think>', 'c', eos]
    const body = await complete([{ pieces }], {}, { reasoningParser: 'qwen3' })
    const { choices, usage } = JSON.parse(body)
    expect(choices[0].message).toMatchObject({
      content: 'c',
      reasoning: 'ab',
      reasoning_content: 'ab',
    })
    expect(usage.completion_tokens).toBe(6)
    expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: 2 })
  })

  it('counts reasoning that the length cut off, and none where there is none', async () => {
    expect(await reasoningTokens(['a', 'b', 'c'])).toBe(3)
    expect(await reasoningTokens(['</think>', 'b', 'c'])).toBe(0)
  })

  it('answers n times from one prompt, each with its own seed', async () => {
    const server = createTestServer({
      scripts: [{ pieces: ['a', eos] }, { pieces: ['b', eos] }, { pieces: ['c', eos] }],
    })
    const response = await server.chat({ n: 3, seed: 5 })
    const { choices, usage } = await response.json()
    const contents = choices.map(
      (choice: { message: { content: string } }) => choice.message.content,
    )
    expect(contents).toEqual(['a', 'b', 'c'])
    expect(usage).toMatchObject({ prompt_tokens: 18, completion_tokens: 6 })
    expect(server.engine.requests.map(({ samplingParams }) => samplingParams.seed)).toEqual([
      5, 6, 7,
    ])
  })

  it('starts the other choices when the first has filled the prefix cache', async () => {
    const server = createTestServer({
      scripts: [{ pieces: [], end: 'hang' }, { pieces: ['b', eos] }],
    })
    const client = new AbortController()
    const response = server.chat({ n: 2 }, { signal: client.signal })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(server.engine.requests).toHaveLength(1)
    client.abort()
    await expect(response).rejects.toThrow()
  })

  it('fails as a whole where the engine fails', async () => {
    const end = new EngineError('device-lost', 'The GPU is gone.')
    const response = await createTestServer({ scripts: [{ pieces: ['a'], end }] }).chat({})
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: { message: 'The GPU is gone.', type: 'InternalServerError', param: null, code: 500 },
    })
  })

  it('does not show special tokens, unless asked to', async () => {
    const pieces = ['a', '<think>', 'b', eos]
    expect((await message([{ pieces }])).message.content).toBe('ab')
    const body = { skip_special_tokens: false }
    expect((await message([{ pieces }], body)).message.content).toBe('a<think>b')
  })

  it('leaves them to the caller, and markers to the parsers, where it parses', async () => {
    const pieces = ['<think>', 'a', '</think>', 'b', eos]
    const ask = async (fields: object) => {
      const body = { include_stop_str_in_output: true, ...fields }
      return (await message([{ pieces }], body, { reasoningParser: 'qwen3' })).message
    }
    expect(await ask({})).toMatchObject({ reasoning: 'a', content: 'b' })
    const shown = await ask({ skip_special_tokens: false })
    expect(shown).toMatchObject({ reasoning: 'a', content: `b${eos}` })
  })

  it('prefers the request’s sampling fields to the model’s, and those to the defaults', async () => {
    const server = createTestServer({
      scripts: [{ pieces: [eos] }],
      model: {
        defaultSamplingParams: { temperature: 0.6, topK: 20, stopTokenIds: [9], maxTokens: 50 },
      },
    })
    await server.chat({ top_k: 5, stop_token_ids: [7], max_completion_tokens: 3, max_tokens: 2 })
    expect(server.engine.requests[0]?.samplingParams).toEqual({
      temperature: 0.6,
      topK: 5,
      topP: 1,
      minP: 0,
      seed: null,
      maxTokens: 3,
      minTokens: 0,
      stopTokenIds: [7, 9],
      ignoreEos: false,
      presencePenalty: 0,
      frequencyPenalty: 0,
      repetitionPenalty: 1,
      logitBias: [],
      allowedTokenIds: null,
      badWordsTokenIds: [],
      logprobs: null,
      logprobTokenIds: null,
      promptLogprobs: null,
    })
  })

  it('passes the salt on and uses the client’s request id', async () => {
    const server = createTestServer({ scripts: [{ pieces: [eos] }, { pieces: [eos] }] })
    const body = await (await server.chat({ cache_salt: 's', request_id: 'mine' })).json()
    expect(body.id).toBe('chatcmpl-mine')
    expect(server.engine.requests[0]?.cacheSalt).toBe('s')
    expect(server.engine.requests[0]?.requestId).toMatch(/^chatcmpl-mine-[0-9a-f]{8}$/)
    const headers = { 'content-type': 'application/json', 'x-request-id': 'header' }
    const other = await (await server.chat({ request_id: 'mine' }, { headers })).json()
    expect(other.id).toBe('chatcmpl-header')
  })

  it('counts no tokens after a stop string that ends within one output', async () => {
    const pieces = [['a', 'END', 'b', 'c']]
    const { choices, usage } = JSON.parse(
      await complete([{ pieces, end: 'length' }], { stop: 'END' }),
    )
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: 'END' })
    expect(choices[0].message.content).toBe('a')
    expect(usage.completion_tokens).toBe(2)
  })

  it('looks for stop strings only after min_tokens', async () => {
    const pieces = ['x', 'END', 'y', 'END', 'z']
    const body = { stop: ['END'], min_tokens: 2, max_tokens: 9 }
    expect((await message([{ pieces, end: 'length' }], body)).message.content).toBe('xENDy')
  })
})
