import { describe, expect, it } from 'vitest'
import { createTestServer, eos, readFrames, type TestServerOptions } from './fixtures.ts'

type Choice = { readonly index: number; readonly [field: string]: unknown }
type Chunk = { readonly choices: readonly [Choice]; readonly [field: string]: unknown }

const chunksOf = async (response: Response): Promise<Chunk[]> => {
  const frames = await readFrames(response)
  return frames.slice(0, -1).map((frame) => JSON.parse(frame.slice('data: '.length)))
}

const answering = (pieces: string[], options: TestServerOptions = {}) => {
  const server = createTestServer({ scripts: [{ pieces }], ...options })
  return { ...server, idsOf: (...given: string[]) => server.tokenizer.ids(...given) }
}

const text = 'user:hi|assistant:'
const characters = Array.from(text)

describe('return_token_ids', () => {
  it('puts the ids of prompt and answer into a chat reply', async () => {
    const { chat, idsOf } = answering(['a', 'b', eos])
    const body = await (await chat({ return_token_ids: true })).json()
    expect(body.prompt_token_ids).toEqual(idsOf(...characters))
    expect(body.choices[0].token_ids).toEqual(idsOf('a', 'b', eos))
    expect(body.prompt_text).toBeNull()
  })

  it('puts them into a stream, also those whose text is held back', async () => {
    const { chat, idsOf } = answering(['a', 'b', 'c', eos])
    const chunks = await chunksOf(
      await chat({ return_token_ids: true, stream: true, stop: ['bx', 'bcy'] }),
    )
    expect(chunks[0]?.['prompt_token_ids']).toEqual(idsOf(...characters))
    expect(chunks[0]?.choices[0]).not.toHaveProperty('token_ids')
    const told = chunks
      .slice(1)
      .map(({ choices: [choice] }) => [choice['delta'], choice['token_ids']])
    expect(told).toEqual([
      [{ content: 'a' }, idsOf('a')],
      [{ content: '' }, idsOf('b')],
      [{ content: '' }, idsOf('c')],
      [{ content: 'bc' }, idsOf(eos)],
    ])
  })

  it('leaves out what stands after a stop string', async () => {
    const scripts = [{ pieces: [['a', 'b', 'c']], end: 'hang' as const }]
    const { chat, tokenizer } = createTestServer({ scripts })
    const { choices } = await (await chat({ return_token_ids: true, stop: 'b' })).json()
    expect(choices[0].token_ids).toEqual(tokenizer.ids('a', 'b'))
  })

  it('tells nothing of an answer whose reasoning is hidden', async () => {
    const model = { reasoningParser: 'qwen3' }
    for (const stream of [false, true]) {
      const { chat, idsOf } = answering(['<think>', 'x', '</think>', 'a', eos], { model })
      const body = { return_token_ids: true, include_reasoning: false, stream }
      const response = await chat(body)
      const replies = stream ? await chunksOf(response) : [await response.json()]
      expect(replies[0].prompt_token_ids).toEqual(idsOf(...characters))
      for (const { choices } of replies) expect(choices[0].token_ids ?? null).toBeNull()
    }
  })

  it('puts them into completions, for every prompt, in the place of the echoed text', async () => {
    const scripts = [{ pieces: ['x', eos] }, { pieces: ['y', eos] }]
    const { complete, tokenizer } = createTestServer({ scripts })
    const body = { prompt: ['ab', 'c'], return_token_ids: true, echo: true }
    const { choices } = await (await complete(body)).json()
    expect(choices).toMatchObject([
      {
        text: 'x',
        prompt_token_ids: tokenizer.ids('a', 'b'),
        token_ids: tokenizer.ids('x', eos),
      },
      { text: 'y', prompt_token_ids: tokenizer.ids('c'), token_ids: tokenizer.ids('y', eos) },
    ])
  })

  it('puts the prompt’s into the first chunk of a completion alone', async () => {
    const { complete, idsOf } = answering(['x', 'y', eos])
    const chunks = await chunksOf(
      await complete({ return_token_ids: true, stream: true, stop: 'yz' }),
    )
    const told = chunks.map(({ choices: [choice] }) => [
      choice['text'],
      choice['prompt_token_ids'],
      choice['token_ids'],
    ])
    expect(told).toEqual([
      ['x', idsOf('a', 'b'), idsOf('x')],
      ['', null, idsOf('y')],
      ['y', null, idsOf(eos)],
    ])
  })
})

describe('return_prompt_text', () => {
  it('tells the rendered chat', async () => {
    const whole = answering(['a', eos])
    expect((await (await whole.chat({ return_prompt_text: true })).json()).prompt_text).toBe(text)
    const streamed = answering(['a', eos])
    const chunks = await chunksOf(await streamed.chat({ return_prompt_text: true, stream: true }))
    expect(chunks[0]).toMatchObject({ prompt_text: text, prompt_token_ids: null })
    expect(chunks[1]).not.toHaveProperty('prompt_text')
  })
})

describe('return_tokens_as_token_ids', () => {
  it('names tokens by their ids, wherever log probabilities are told', async () => {
    const { chat, idsOf } = answering(['a', eos])
    const body = { return_tokens_as_token_ids: true, logprobs: true, top_logprobs: 1 }
    const { choices } = await (await chat(body)).json()
    const [a] = idsOf('a')
    expect(choices[0].logprobs.content[0].token).toBe(`token_id:${a}`)
  })
})

const idOf = async (body: Record<string, unknown>, init?: RequestInit) =>
  (await (await answering(['a', eos]).chat(body, init)).json()).id

describe('an id of the client’s own', () => {
  it('becomes part of the reply’s, the header’s before the field’s', async () => {
    const headers = { 'content-type': 'application/json', 'x-request-id': 'from-header' }
    expect(await idOf({ request_id: 'mine' })).toBe('chatcmpl-mine')
    expect(await idOf({ request_id: 'mine' }, { headers })).toBe('chatcmpl-from-header')
  })

  it('is no hindrance to a second request with the same one', async () => {
    const scripts = [{ pieces: ['a'], end: 'hang' as const }, { pieces: ['b', eos] }]
    const { chat, engine } = createTestServer({ scripts })
    const first = await chat({ request_id: 'x', stream: true })
    const second = await chat({ request_id: 'x' })
    expect(second.status).toBe(200)
    const ids = engine.requests.map(({ requestId }) => requestId)
    expect(new Set(ids).size).toBe(2)
    await first.body?.cancel()
  })
})
