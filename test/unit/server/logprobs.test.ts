import { describe, expect, it } from 'vitest'
import type { TokenLogprobs } from '../../../src/engine/generation.ts'
import {
  createChatLogprobs,
  createCompletionLogprobs,
  describePromptLogprobs,
} from '../../../src/server/logprobs.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { createTestServer, createTinyTokenizer, eos, readStarterJson } from './fixtures.ts'
import { scriptedLogprobs } from './scripted-engine.ts'

type ChatEntry = { token: string; logprob: number; bytes: number[]; top_logprobs: ChatEntry[] }

const utf8 = (text: string) => [...new TextEncoder().encode(text)]

const frames = (text: string): { choices: Record<string, unknown>[] }[] =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json = '']) => JSON.parse(json))

describe('log probabilities in chat', () => {
  const body = { logprobs: true, top_logprobs: 2 }
  const scripts = [{ pieces: ['a', ' é', eos] }]

  it('tell each token with the most likely ones', async () => {
    const server = createTestServer({ scripts })
    const { choices } = await (await server.chat(body)).json()
    expect(Object.keys(choices[0].logprobs)).toEqual(['content'])
    const content: ChatEntry[] = choices[0].logprobs.content
    expect(content.map(({ token }) => token)).toEqual(['a', ' é', eos])
    expect(content[1]).toMatchObject({ bytes: utf8(' é') })
    const [id = 0] = server.tokenizer.ids('a')
    const { logprob, top } = scriptedLogprobs(id, 2)
    expect(content[0]).toEqual({
      token: 'a',
      logprob,
      bytes: [97],
      top_logprobs: top.map((other) => {
        const token = server.tokenizer.idToToken(other.tokenId) ?? ''
        return { token, logprob: other.logprob, bytes: utf8(token) }
      }),
    })
    expect(server.engine.requests[0]?.samplingParams.logprobs).toBe(2)
  })

  it('are null unless asked for, and without alternatives by default', async () => {
    const unasked = await (await createTestServer({ scripts }).chat({})).json()
    expect(unasked.choices[0].logprobs).toBeNull()
    const plain = await (await createTestServer({ scripts }).chat({ logprobs: true })).json()
    expect(plain.choices[0].logprobs.content[0].top_logprobs).toEqual([])
  })

  it('stand in the chunk of their token, and wait with text that is held back', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['a', 'E', 'N', 'x', eos] }] })
    const text = await (await server.chat({ ...body, stream: true, stop: ['END'] })).text()
    const told = frames(text).map(({ choices: [choice] }) => {
      const logprobs = choice?.['logprobs'] as { content: ChatEntry[] } | null
      return logprobs && logprobs.content.map(({ token }) => token)
    })
    expect(told).toEqual([null, ['a'], ['E', 'N', 'x'], [eos]])
  })

  it('end with the token that completes a stop string', async () => {
    const server = createTestServer({ scripts: [{ pieces: [['a', 'END', 'b']], end: 'length' }] })
    const { choices } = await (await server.chat({ ...body, stop: 'END' })).json()
    const content: ChatEntry[] = choices[0].logprobs.content
    expect(content.map(({ token }) => token)).toEqual(['a', 'END'])
  })

  it('name tokens by their ids', async () => {
    const server = createTestServer({ scripts })
    const [id = 0] = server.tokenizer.ids('a')
    const { choices } = await (
      await server.chat({ ...body, return_tokens_as_token_ids: true })
    ).json()
    const [entry] = choices[0].logprobs.content
    expect(entry).toMatchObject({ token: `token_id:${id}`, bytes: [97] })
    expect(entry.top_logprobs[1].token).toMatch(/^token_id:\d+$/)
  })

  it('of reasoning that is not to be seen are not told', async () => {
    const model = { reasoningParser: 'qwen3' }
    const server = createTestServer({
      scripts: [{ pieces: ['<think>', 'so', '</think>', 'a', eos] }],
      model,
    })
    const asked = { ...body, logprob_token_ids: [1], include_reasoning: false }
    const { choices } = await (await server.chat(asked)).json()
    expect(choices[0].logprobs).toBeNull()
    expect(server.engine.requests[0]?.samplingParams.logprobs).toBeNull()
  })

  it('tell the ids that were asked for after the token itself, in their order', async () => {
    const server = createTestServer({ scripts })
    const [a = 0, x = 0, y = 0] = server.tokenizer.ids('a', 'x', 'y')
    const asked = { logprobs: true, top_logprobs: 30, logprob_token_ids: [y, a, x, y] }
    const { choices } = await (await server.chat(asked)).json()
    const content: ChatEntry[] = choices[0].logprobs.content
    const alternatives = content.map(({ top_logprobs: top }) =>
      top.map(({ token, logprob }) => [token, logprob]),
    )
    const own = content.map(({ token, logprob }) => [token, logprob])
    const [toldA, toldX, toldY] = [a, x, y].map((id, at) => ['axy'[at], -1 - id])
    // The answer's first token is one of those asked for, and stands there once.
    expect(alternatives).toEqual([
      [own[0], toldY, toldX],
      [own[1], toldY, toldA, toldX],
      [own[2], toldY, toldA, toldX],
    ])
    const { logprobs, logprobTokenIds } = server.engine.requests[0]?.samplingParams ?? {}
    expect({ logprobs, logprobTokenIds }).toEqual({ logprobs: 3, logprobTokenIds: [y, a, x] })
  })

  it('of the prompt are a list with null first', async () => {
    const server = createTestServer({
      scripts: [{ pieces: ['a', eos] }, { pieces: ['b', eos] }],
    })
    const reply = await (await server.chat({ prompt_logprobs: 1, n: 2 })).json()
    const promptIds = server.engine.requests[0]?.promptTokenIds ?? []
    expect(reply.prompt_logprobs).toHaveLength(promptIds.length)
    expect(reply.prompt_logprobs[0]).toBeNull()
    const id = promptIds[1] ?? 0
    expect(reply.prompt_logprobs[1][id].decoded_token).toBe('s')
    expect(reply.prompt_logprobs[1][id].rank).toBe(scriptedLogprobs(id, 1).rank)
    // The second answer has the same prompt, so only the first request computes it.
    const asked = server.engine.requests.map(({ samplingParams }) => samplingParams.promptLogprobs)
    expect(asked).toEqual([1, null])
  })
})

describe('log probabilities in completions', () => {
  const scripts = [{ pieces: ['cd', '☹', eos] }]

  it('tell offsets, tokens and the most likely ones', async () => {
    const server = createTestServer({ scripts })
    const { choices } = await (await server.complete({ logprobs: 1 })).json()
    const { logprobs } = choices[0]
    expect(Object.keys(logprobs)).toEqual([
      'text_offset',
      'token_logprobs',
      'tokens',
      'top_logprobs',
    ])
    expect(logprobs.tokens).toEqual(['cd', '☹', eos])
    expect(logprobs.text_offset).toEqual([0, 2, 3])
    const ids = server.tokenizer.ids('cd', '☹', eos)
    const told = ids.map((id) => Math.max(-9999, scriptedLogprobs(id, 1).logprob))
    expect(logprobs.token_logprobs).toEqual(told)
    expect(logprobs.top_logprobs[0]['cd']).toBe(told[0])
  })

  it('list the token besides the most likely ones, and none more for 0', async () => {
    const tokenizer = createTinyTokenizer()
    const [a = 0, b = 0, c = 0] = tokenizer.ids('a', 'b', 'c')
    const top = [
      { tokenId: a, logprob: -1 },
      { tokenId: b, logprob: -2 },
    ]
    const entry: TokenLogprobs = { tokenId: c, logprob: -Infinity, rank: 9, top }
    const write = (numTop: number) =>
      createCompletionLogprobs({ tokenizer, asTokenIds: false, numTop })([entry])
    expect(write(2)).toMatchObject({ top_logprobs: [{ c: -9999, a: -1, b: -2 }] })
    expect(write(0)).toMatchObject({ top_logprobs: [{ c: -9999 }], token_logprobs: [-9999] })
  })

  it('tell the ids that were asked for, and of an echoed prompt the most likely', async () => {
    const server = createTestServer({ scripts })
    const [x = 0, y = 0] = server.tokenizer.ids('x', 'y', 'a', 'b', 'c', 'd')
    const asked = { prompt: 'ab', echo: true, logprobs: 3, logprob_token_ids: [y, x] }
    const { choices } = await (await server.complete(asked)).json()
    const [first, ofPrompt, ...told] = choices[0].logprobs.top_logprobs.map(
      (top: object | null) => top && Object.keys(top),
    )
    expect(first).toBeNull()
    expect(ofPrompt).toHaveLength(3)
    expect(told).toEqual([
      ['cd', 'y', 'x'],
      ['☹', 'y', 'x'],
      [eos, 'y', 'x'],
    ])
    expect(choices[0].logprobs.top_logprobs[2]).toMatchObject({ y: -1 - y, x: -1 - x })
  })

  it('begin with those of an echoed prompt, for every answer', async () => {
    const answers = { scripts: [{ pieces: ['c', eos] }, { pieces: ['d', eos] }] }
    const server = createTestServer(answers)
    const body = { echo: true, logprobs: 0, n: 2, prompt: 'ab' }
    const { choices } = await (await server.complete(body)).json()
    expect(choices[0].logprobs.tokens).toEqual(['a', 'b', 'c', eos])
    expect(choices[1].logprobs.tokens).toEqual(['a', 'b', 'd', eos])
    for (const { logprobs, text } of choices) {
      expect(logprobs.token_logprobs[0]).toBeNull()
      expect(logprobs.top_logprobs[0]).toBeNull()
      expect(logprobs.token_logprobs.slice(1)).not.toContain(null)
      expect(logprobs.text_offset).toEqual([0, 1, 2, 3])
      expect(text.slice(0, 2)).toBe('ab')
    }
    expect(choices[1].prompt_logprobs).toEqual(choices[0].prompt_logprobs)
    expect(choices[1].prompt_logprobs).toHaveLength(2)
  })

  it('are those of the prompt alone for echo with max_tokens 0', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['c'], end: 'length' }] })
    const body = { echo: true, logprobs: 1, max_tokens: 0, prompt: 'ab' }
    const { choices } = await (await server.complete(body)).json()
    expect(choices[0].logprobs.tokens).toEqual(['a', 'b'])
  })

  it('stream in pieces that join to the whole, the prompt’s first', async () => {
    const pieces = [['c'], ['E'], ['d', 'e'], ['☹'], [eos]]
    const body = { echo: true, logprobs: 1, stop: ['EN'] }
    const serve = () => createTestServer({ scripts: [{ pieces }] })
    const { choices } = await (await serve().complete(body)).json()
    const text = await (await serve().complete({ ...body, stream: true })).text()
    const joined: Record<string, unknown[]> = {}
    for (const { choices: streamed } of frames(text)) {
      const told = streamed[0]?.['logprobs'] as Record<string, unknown[]>
      for (const [key, values] of Object.entries(told)) {
        joined[key] = [...(joined[key] ?? []), ...values]
      }
    }
    expect(joined).toEqual(choices[0].logprobs)
    expect(joined['tokens']?.slice(0, 3)).toEqual(['a', 'b', 'c'])
  })
})

describe('tokens that are parts of a character', () => {
  const tokenizer = loadTokenizer({
    tokenizerJson: readStarterJson('tokenizer.json'),
    tokenizerConfig: readStarterJson('tokenizer_config.json'),
  })
  const text = 'Æ 日本 🌦️!'
  const ids = tokenizer.encode(text, { addSpecialTokens: false })

  it('are empty until the character is whole', () => {
    const write = createChatLogprobs({ tokenizer, asTokenIds: false, numTop: 0 })
    const { content } = write(ids.map((id) => scriptedLogprobs(id, 0))) as { content: ChatEntry[] }
    const tokens = content.map(({ token }) => token)
    expect(ids.length).toBeGreaterThan(text.length)
    expect(tokens.join('')).toBe(text)
    expect(tokens).toContain('🌦')
    expect(content.flatMap(({ bytes }) => bytes)).toEqual(utf8(text))
  })

  it('are named in their place in a prompt too', () => {
    const told = describePromptLogprobs(
      ids,
      ids.map((id) => scriptedLogprobs(id, 0)),
      tokenizer,
    )
    const tokens = told.map((entry, at) => Reflect.get(entry ?? {}, ids[at] ?? 0).decoded_token)
    expect(tokens.join('')).toBe(text)
  })
})
