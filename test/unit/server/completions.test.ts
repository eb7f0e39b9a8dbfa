import { describe, expect, it } from 'vitest'
import { createTestServer, eos, normalise, readFrames } from './fixtures.ts'

const head = '"id":"cmpl-ID","object":"text_completion","created":0,"model":"tiny"'
const fingerprint = '"system_fingerprint":"quire-1.2.3-6135e66b"'
const chunk = (text: string, reason: string, tail = '', index = 0) =>
  `data: {${head},"choices":[{"index":${index},"text":${JSON.stringify(text)},"logprobs":null,` +
  `"finish_reason":${reason},"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]${tail}}`

const usage = (completion: number) =>
  `"usage":{"prompt_tokens":2,"total_tokens":${2 + completion},"completion_tokens":${completion}`

describe('text completions', () => {
  it('streams text, the finish reason on the last chunk', async () => {
    const { complete } = createTestServer({ scripts: [{ pieces: ['c', 'd'], end: 'length' }] })
    expect(await readFrames(await complete({ stream: true }))).toEqual([
      chunk('c', 'null'),
      chunk('d', '"length"', `,${fingerprint}`),
      'data: [DONE]',
    ])
  })

  it('streams the usage', async () => {
    const { complete } = createTestServer({ scripts: [{ pieces: ['c', eos] }] })
    const stream_options = { include_usage: true, continuous_usage_stats: true }
    expect(await readFrames(await complete({ stream: true, stream_options }))).toEqual([
      chunk('c', 'null', `,${usage(1)}}`),
      chunk('', '"stop"', `,${usage(2)}}`),
      `data: {${head},"choices":[],${usage(2)},"prompt_tokens_details":{"cached_tokens":0}},` +
        `${fingerprint}}`,
      'data: [DONE]',
    ])
  })

  it('has every field of vLLM’s, in its order', async () => {
    const { complete, engine } = createTestServer({ scripts: [{ pieces: ['c', eos] }] })
    expect(normalise(await (await complete({})).text())).toBe(
      `{${head},"choices":[{"index":0,"text":"c","logprobs":null,"finish_reason":"stop",` +
        '"stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null,' +
        `"routed_experts":null}],"service_tier":null,${fingerprint},"usage":{"prompt_tokens":2,` +
        '"total_tokens":4,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0},' +
        '"completion_tokens_details":null},"kv_transfer_params":null,"ec_transfer_params":null,' +
        '"metrics":null}',
    )
    expect(engine.requests[0]?.samplingParams.maxTokens).toBe(16)
  })

  it('answers several prompts n times each, and echoes them', async () => {
    const { complete } = createTestServer({
      // The first choices of both prompts are queued before the others.
      scripts: [
        { pieces: ['1', eos] },
        { pieces: ['3', eos] },
        { pieces: ['2', eos] },
        { pieces: ['4', eos] },
      ],
    })
    const body = await (await complete({ prompt: ['ab', 'xyz'], n: 2, echo: true })).json()
    const texts = body.choices.map(({ text }: { text: string }) => text)
    expect(texts.map((text: string) => text.slice(0, -1))).toEqual(['ab', 'ab', 'xyz', 'xyz'])
    expect(texts[0]).toBe('ab1')
    expect(texts[2]).toBe('xyz3')
    expect(body.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 8 })
  })

  it('takes token ids for a prompt', async () => {
    const { complete, engine } = createTestServer({
      scripts: [{ pieces: [eos] }, { pieces: [eos] }],
    })
    await complete({ prompt: [3, 4, 5] })
    await complete({ prompt: [[1, 2]] })
    expect(engine.requests.map(({ promptTokenIds }) => promptTokenIds)).toEqual([
      [3, 4, 5],
      [1, 2],
    ])
  })

  it('returns the prompt alone for echo with max_tokens 0', async () => {
    const { complete, engine } = createTestServer({ scripts: [{ pieces: ['c'], end: 'length' }] })
    const body = await (await complete({ echo: true, max_tokens: 0 })).json()
    expect(body.choices[0].text).toBe('ab')
    expect(engine.requests[0]?.samplingParams.maxTokens).toBe(1)
  })
})
