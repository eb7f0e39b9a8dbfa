import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { createTestServer, eos, readFrames, type PieceScript } from './fixtures.ts'

const head = '"id":"chatcmpl-ID","object":"chat.completion.chunk","created":0,"model":"tiny"'
const fingerprint = '"system_fingerprint":"quire-1.2.3-6135e66b"'

const role = (index = 0) =>
  `data: {${head},"choices":[{"index":${index},"delta":{"role":"assistant","content":""},` +
  '"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}'
const delta = (json: string, index = 0) =>
  `data: {${head},"choices":[{"index":${index},"delta":${json},` +
  '"logprobs":null,"finish_reason":null,"token_ids":null}]}'
const last = (
  json: string,
  reason: string,
  stopReason = 'null',
  index = 0,
  tail = `,${fingerprint}`,
) =>
  `data: {${head},"choices":[{"index":${index},"delta":${json},"logprobs":null,` +
  `"finish_reason":"${reason}","stop_reason":${stopReason},"token_ids":null}]${tail}}`
const done = 'data: [DONE]'

const streamed = async (
  scripts: readonly PieceScript[],
  body: Record<string, unknown> = {},
  model: { toolParser?: string; reasoningParser?: string } = {},
) => {
  const { chat } = createTestServer({ scripts, model })
  const response = await chat({ stream: true, ...body })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  return readFrames(response)
}

const weatherTool = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
}

const call = (city: string) => [
  '<tool_call>',
  '\n{"name": "weather", ',
  '"arguments": ',
  `{"city": "${city}"`,
  '}}\n',
  '</tool_call>',
]

const opened = (index: number, json: string) =>
  `{"tool_calls":[{"id":"chatcmpl-tool-ID","type":"function","index":${index},` +
  `"function":{"name":"weather","arguments":${JSON.stringify(json)}}}]}`

const added = (index: number, json: string) =>
  `{"tool_calls":[{"index":${index},"function":{"arguments":${JSON.stringify(json)}}}]}`

const usage = (completion: number) =>
  `"usage":{"prompt_tokens":18,"total_tokens":${18 + completion},` +
  `"completion_tokens":${completion},"completion_tokens_details":null}`

describe('a streamed chat reply', () => {
  it('opens with the role and ends with the finish reason', async () => {
    expect(await streamed([{ pieces: ['Hi', ' é', eos] }])).toEqual([
      role(),
      delta('{"content":"Hi"}'),
      delta('{"content":" é"}'),
      last('{"content":""}', 'stop'),
      done,
    ])
  })

  it('puts the last text and the finish reason into one chunk', async () => {
    expect(await streamed([{ pieces: ['Hi', '!'], end: 'length' }])).toEqual([
      role(),
      delta('{"content":"Hi"}'),
      last('{"content":"!"}', 'length'),
      done,
    ])
  })

  it('ends without a word on the text where the model has parsers, whether or not they serve', async () => {
    const answer = [{ pieces: ['Hi', eos] }]
    const plain = await streamed(answer)
    expect(plain.at(-2)).toBe(last('{"content":""}', 'stop'))
    const tools = { tools: [weatherTool], tool_choice: 'none' }
    for (const body of [{}, tools]) {
      const parsed = await streamed(answer, body, { toolParser: 'hermes' })
      expect(parsed.at(-2)).toBe(last('{}', 'stop'))
    }
  })

  it('makes one chunk of the tokens that come together', async () => {
    expect(
      await streamed([
        {
          pieces: [
            ['a', 'b'],
            ['c', eos],
          ],
        },
      ]),
    ).toEqual([role(), delta('{"content":"ab"}'), last('{"content":"c"}', 'stop'), done])
  })

  it('tells reasoning by both of its names', async () => {
    const pieces = ['<think>', 'so', '</think>', 'yes', eos]
    expect(await streamed([{ pieces }], {}, { reasoningParser: 'qwen3' })).toEqual([
      role(),
      delta('{"reasoning":"so","reasoning_content":"so"}'),
      delta('{"content":"yes"}'),
      last('{}', 'stop'),
      done,
    ])
  })

  it('leaves reasoning out where it is not wanted', async () => {
    const pieces = ['<think>', 'so', '</think>', 'yes', eos]
    const body = { include_reasoning: false }
    expect(await streamed([{ pieces }], body, { reasoningParser: 'qwen3' })).toEqual([
      role(),
      delta('{"content":"yes"}'),
      last('{}', 'stop'),
      done,
    ])
  })

  it('tells a tool call: its name, then its arguments', async () => {
    const body = { tools: [weatherTool] }
    const frames = await streamed([{ pieces: [...call('Oslo'), eos] }], body, {
      toolParser: 'hermes',
    })
    expect(frames).toEqual([
      role(),
      delta(opened(0, '{"city": "Oslo')),
      delta(added(0, '"}')),
      last('{}', 'tool_calls'),
      done,
    ])
  })

  it('tells two tool calls after content, and the first alone without parallel calls', async () => {
    const pieces = ['Ok.', ...call('Oslo'), '\n', ...call('Bergen'), eos]
    const body = { tools: [weatherTool] }
    const model = { toolParser: 'hermes' }
    const first = [
      role(),
      delta('{"content":"Ok."}'),
      delta(opened(0, '{"city": "Oslo')),
      delta(added(0, '"}')),
    ]
    const second = [delta(opened(1, '{"city": "Bergen')), delta(added(1, '"}'))]
    const end = [last('{}', 'tool_calls'), done]
    expect(await streamed([{ pieces }], body, model)).toEqual([...first, ...second, ...end])
    const single = { ...body, parallel_tool_calls: false }
    expect(await streamed([{ pieces }], single, model)).toEqual([...first, ...end])
  })

  it('finishes with tool_calls even where the length ends it', async () => {
    const pieces = call('Oslo').slice(0, 4)
    const body = { tools: [weatherTool] }
    const frames = await streamed([{ pieces, end: 'length' }], body, { toolParser: 'hermes' })
    expect(frames.at(-2)).toContain('"finish_reason":"tool_calls"')
  })

  it('tells the usage in a chunk of its own', async () => {
    const body = { stream_options: { include_usage: true } }
    const scripts = [{ pieces: ['a', 'b', eos], numCachedTokens: 16 }]
    expect(await streamed(scripts, body)).toEqual([
      role(),
      delta('{"content":"a"}'),
      delta('{"content":"b"}'),
      last('{"content":""}', 'stop', 'null', 0, ''),
      `data: {${head},"choices":[],"usage":{"prompt_tokens":18,"total_tokens":21,` +
        `"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":16}},${fingerprint}}`,
      done,
    ])
  })

  it('tells the usage so far in every chunk where asked to', async () => {
    const body = { stream_options: { include_usage: true, continuous_usage_stats: true } }
    const frames = await streamed([{ pieces: ['a', eos] }], body)
    expect(frames[0]).toContain(`}],${usage(0)},"prompt_token_ids":null`)
    expect(frames[1]).toContain(`"token_ids":null}],${usage(1)}}`)
    expect(frames[2]).toContain(`"token_ids":null}],${usage(2)}}`)
  })

  it('interleaves n choices, one a chunk, and counts the prompt once', async () => {
    const scripts = [{ pieces: ['a', 'b', eos] }, { pieces: ['c', eos] }]
    const body = { n: 2, seed: 7, stream_options: { include_usage: true } }
    const frames = await streamed(scripts, body)
    expect(frames.slice(0, 3)).toEqual([role(0), role(1), delta('{"content":"a"}')])
    const of = (index: number) =>
      frames.filter((line) => line.includes(`"index":${index}`)).slice(1)
    expect(of(0)).toEqual([
      delta('{"content":"a"}'),
      delta('{"content":"b"}'),
      last('{"content":""}', 'stop', 'null', 0, ''),
    ])
    expect(of(1)).toEqual([
      delta('{"content":"c"}', 1),
      last('{"content":""}', 'stop', 'null', 1, ''),
    ])
    expect(frames.at(-2)).toContain('"prompt_tokens":18,"total_tokens":23,"completion_tokens":5')
    expect(frames.at(-1)).toBe(done)
  })

  it('ends at a stop string that spans tokens, and holds its beginning back', async () => {
    const { chat, engine } = createTestServer({
      scripts: [{ pieces: ['one', ' EN', 'D', ' more', 'x'], end: 'length' }],
    })
    const response = await chat({ stream: true, stop: [' END'] })
    expect(await readFrames(response)).toEqual([
      role(),
      delta('{"content":"one"}'),
      last('{"content":""}', 'stop', '" END"'),
      done,
    ])
    expect(engine.running.size).toBe(0)
    expect([...engine.finished]).toEqual([0])
  })

  it('includes the stop string where asked to', async () => {
    const scripts = [{ pieces: ['one', ' EN', 'D.', 'x'], end: 'length' as const }]
    const body = { stop: [' END'], include_stop_str_in_output: true }
    expect(await streamed(scripts, body)).toEqual([
      role(),
      delta('{"content":"one"}'),
      delta('{"content":" EN"}'),
      last('{"content":"D"}', 'stop', '" END"'),
      done,
    ])
  })

  it('names the stop token', async () => {
    const frames = await streamed([{ pieces: ['a', 'b'], stopTokenId: 42 }], {
      stop_token_ids: [42],
    })
    expect(frames.at(-2)).toBe(last('{"content":""}', 'stop', '42'))
  })

  it('sends an error that comes late as a frame in Python’s JSON', async () => {
    const end = new EngineError('device-lost', 'The GPU is gone ☹. Reload.')
    expect(await streamed([{ pieces: ['a'], end }])).toEqual([
      role(),
      delta('{"content":"a"}'),
      'data: {"error": {"message": "The GPU is gone \\u2639. Reload.", ' +
        '"type": "InternalServerError", "param": null, "code": 500}}',
      done,
    ])
  })

  it('echoes the final message that it continues', async () => {
    const body = {
      messages: [
        { role: 'user', content: 'count' },
        { role: 'assistant', content: 'one, ' },
      ],
      echo: true,
      continue_final_message: true,
    }
    const frames = await streamed([{ pieces: ['two', eos] }], body)
    expect(frames[1]).toBe(delta('{"content":"one, "}').replace(',"token_ids":null', ''))
    expect(frames[2]).toBe(delta('{"content":"two"}'))
    const parts = [{ type: 'text', text: 'one,' }, 'two,']
    const listed = { ...body, messages: [{ role: 'assistant', content: parts }] }
    const [, echoed] = await streamed([{ pieces: ['three', eos] }], listed)
    expect(echoed).toBe(delta('{"content":"one,\\ntwo,"}').replace(',"token_ids":null', ''))
  })
})
