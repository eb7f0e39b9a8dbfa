import { describe, expect, it } from 'vitest'
import { createTestServer, eos, type TestServer } from './fixtures.ts'

type Sample = { name: string; labels: Record<string, string>; value: number }
type Metrics = { types: Map<string, string>; samples: Sample[] }

const unescape = (text: string) =>
  text.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))

const readValue = (text: string) =>
  Number(text.replace('+Inf', 'Infinity').replace('-Inf', '-Infinity'))

/** Reads the text format 0.0.4 by its grammar and throws where the text departs from it. */
const parseMetrics = (text: string): Metrics => {
  const name = '[a-zA-Z_:][a-zA-Z0-9_:]*'
  const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`
  const sample = new RegExp(String.raw`^(${name})(?:\{(${label}(?:,${label})*)?\})? (\S+)$`)
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed')
  const types = new Map<string, string>()
  const helped = new Set<string>()
  const samples: Sample[] = []
  let family = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, comment, described = '', rest = ''] =
      new RegExp(`^# (HELP|TYPE) (${name}) (.+)$`).exec(line) ?? []
    if (comment === 'HELP') {
      if (helped.has(described)) throw new Error(`second help: ${line}`)
      helped.add(described)
    } else if (comment === 'TYPE') {
      if (types.has(described)) throw new Error(`second type: ${line}`)
      types.set(described, rest)
      family = described
    } else {
      const [, sampled = '', labels = '', value = ''] = sample.exec(line) ?? []
      const suffix = types.get(family) === 'histogram' ? '_(bucket|sum|count)' : ''
      if (!new RegExp(`^${family}${suffix}$`).test(sampled)) throw new Error(`stray: ${line}`)
      if (Number.isNaN(readValue(value))) throw new Error(`no number: ${line}`)
      const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
      samples.push({
        name: sampled,
        labels: Object.fromEntries(pairs.map(([, key, own = '']) => [key, unescape(own)])),
        value: readValue(value),
      })
    }
  }
  return { types, samples }
}

const scrape = async ({ handler }: TestServer) => {
  const response = await handler(new Request('http://quire.test/metrics'))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parseMetrics(await response.text())
}

const valueOf = ({ samples }: Metrics, name: string, labels: Record<string, string> = {}) =>
  samples.find(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value

const seconds = { bounds: [0.001, 0.5, 1], counts: [1, 0, 3, 2], sum: 7.25 }

const vllmNames = {
  'vllm:num_requests_running': 'gauge',
  'vllm:num_requests_waiting': 'gauge',
  'vllm:kv_cache_usage_perc': 'gauge',
  'vllm:prefix_cache_queries_total': 'counter',
  'vllm:prefix_cache_hits_total': 'counter',
  'vllm:num_preemptions_total': 'counter',
  'vllm:prompt_tokens_total': 'counter',
  'vllm:generation_tokens_total': 'counter',
  'vllm:request_success_total': 'counter',
  'vllm:time_to_first_token_seconds': 'histogram',
  'vllm:inter_token_latency_seconds': 'histogram',
  'vllm:e2e_request_latency_seconds': 'histogram',
  'vllm:request_queue_time_seconds': 'histogram',
  'vllm:request_prefill_time_seconds': 'histogram',
  'vllm:request_decode_time_seconds': 'histogram',
  'vllm:request_inference_time_seconds': 'histogram',
  'vllm:request_time_per_output_token_seconds': 'histogram',
  'vllm:request_prompt_tokens': 'histogram',
  'vllm:request_generation_tokens': 'histogram',
  'vllm:spec_decode_num_drafts_total': 'counter',
  'vllm:spec_decode_num_draft_tokens_total': 'counter',
  'vllm:spec_decode_num_accepted_tokens_total': 'counter',
}

describe('GET /metrics', () => {
  it('has vLLM’s metrics with the model’s name', async () => {
    const server = createTestServer()
    server.engine.setStats({ numRunning: 3, numBlocks: 8, numFreeBlocks: 6, numAcceptedTokens: 5 })
    server.engine.setStats({ numFinished: { stop: 4, length: 2, abort: 1 } })
    const metrics = await scrape(server)
    expect(Object.fromEntries(metrics.types)).toMatchObject(vllmNames)
    expect(metrics.samples.every(({ labels }) => labels['model_name'] === 'tiny')).toBe(true)
    expect(valueOf(metrics, 'vllm:num_requests_running')).toBe(3)
    expect(valueOf(metrics, 'vllm:kv_cache_usage_perc')).toBe(0.25)
    expect(valueOf(metrics, 'vllm:spec_decode_num_accepted_tokens_total')).toBe(5)
    const length = { finished_reason: 'length' }
    expect(valueOf(metrics, 'vllm:request_success_total', length)).toBe(2)
  })

  it('writes histograms as cumulative buckets', async () => {
    const server = createTestServer()
    server.engine.setStats({ timeToFirstToken: seconds })
    const { samples } = await scrape(server)
    const of = samples.filter(({ name }) => name.startsWith('vllm:time_to_first_token_seconds'))
    const buckets = of.filter(({ name }) => name.endsWith('_bucket'))
    expect(buckets.map(({ labels, value }) => [labels['le'], value])).toEqual([
      ['0.001', 1],
      ['0.5', 1],
      ['1.0', 4],
      ['+Inf', 6],
    ])
    expect(of.slice(-2).map(({ name, value }) => [name.slice(-4), value])).toEqual([
      ['_sum', 7.25],
      ['ount', 6],
    ])
  })

  it('escapes the model’s name', async () => {
    const id = 'a"b\\c\nd'
    const { samples } = await scrape(createTestServer({ model: { id } }))
    expect(samples[0]?.labels['model_name']).toBe(id)
  })

  it('counts requests by path and status, unknown paths together', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    await server.chat({})
    await server.chat({ temperature: 9 })
    await server.post('/nowhere', {})
    await server.post('/constructor', {})
    const client = new AbortController()
    client.abort()
    await expect(server.chat({}, { signal: client.signal })).rejects.toThrow(/abort/i)
    const metrics = await scrape(server)
    const count = (path: string, status: string) =>
      valueOf(metrics, 'quire:http_requests_total', { path, status })
    expect(count('/v1/chat/completions', '200')).toBe(1)
    expect(count('/v1/chat/completions', '400')).toBe(1)
    expect(count('/v1/chat/completions', 'aborted')).toBe(1)
    expect(count('other', '404')).toBe(2)
  })

  it('counts the streams that are open, however they end', async () => {
    const hanging = { pieces: ['a'], end: 'hang' as const }
    const scripts = [{ pieces: ['a', eos] }, hanging, hanging]
    const server = createTestServer({ scripts })
    const open = async () => valueOf(await scrape(server), 'quire:streaming_requests')
    const client = new AbortController()
    const first = await server.chat({ stream: true })
    const second = await server.chat({ stream: true })
    const third = await server.chat({ stream: true }, { signal: client.signal })
    expect(await open()).toBe(3)
    await first.text()
    expect(await open()).toBe(2)
    await second.body?.cancel()
    expect(await open()).toBe(1)
    client.abort()
    expect(await open()).toBe(0)
    await expect(third.text()).rejects.toThrow(/abort/i)
    expect(await open()).toBe(0)
  })

  it('counts tool calls, streamed or not, by whether their arguments are whole', async () => {
    const call = ['<tool_call>', '{"name": "f", "arguments": {"a":', ' 1}}', '</tool_call>']
    const scripts = [
      { pieces: [...call, ...call, eos] },
      { pieces: [...call, eos] },
      { pieces: call.slice(0, 2), end: 'length' as const },
    ]
    const server = createTestServer({ scripts, model: { toolParser: 'hermes' } })
    const tools = [{ type: 'function', function: { name: 'f' } }]
    await server.chat({ tools })
    await (await server.chat({ tools, stream: true })).text()
    await server.chat({ tools })
    const metrics = await scrape(server)
    const count = (outcome: string) =>
      valueOf(metrics, 'quire:tool_calls_total', { parser: 'hermes', outcome })
    expect([count('complete'), count('incomplete')]).toEqual([3, 1])
  })

  it('answers 503 once the engine is disposed', async () => {
    const { handler, engine } = createTestServer()
    engine.dispose()
    expect((await handler(new Request('http://quire.test/metrics'))).status).toBe(503)
  })
})

const reset = ({ handler }: TestServer) =>
  handler(new Request('http://quire.test/reset_prefix_cache', { method: 'POST' }))

describe('POST /reset_prefix_cache', () => {
  it('answers as vLLM does once the cache is empty', async () => {
    const response = await reset(createTestServer())
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('says so when running requests keep it', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const streamed = await server.chat({ stream: true })
    server.engine.setStats({ numRunning: 1, numWaiting: 2 })
    const response = await reset(server)
    expect(response.status).toBe(409)
    const { error } = await response.json()
    expect(error).toMatchObject({ type: 'ConflictError', code: 409, param: null })
    expect(error.message).toContain('(1 running, 2 waiting)')
    await streamed.body?.cancel()
    expect((await reset(server)).status).toBe(200)
  })
})
