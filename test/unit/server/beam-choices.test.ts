import { describe, expect, it } from 'vitest'
import { createFetch } from '../../../src/server/create-fetch.ts'
import { createToyEngine } from '../engine/toy-language-model.ts'
import { createTinyTokenizer, eos } from './fixtures.ts'
import { createScriptedEngine } from './scripted-engine.ts'
import { testGrammars } from './test-grammars.ts'

/** A model that says "ab", seldom "aa", and then stops. */
const serve = () => {
  const tokenizer = createTinyTokenizer()
  const [end = 0, a = 0, b = 0] = tokenizer.ids(eos, 'a', 'b')
  const promptIds = tokenizer.ids('<', 'p', '>')
  const likely = (entries: Record<number, number>) =>
    Array.from({ length: tokenizer.vocabSize }, (_, id) => Math.log(entries[id] ?? 0.001))
  const toy = createToyEngine((tokenIds) => {
    const answer = tokenIds.slice(tokenIds.lastIndexOf(promptIds[2] ?? 0) + 1)
    if (answer.length === 0) return likely({ [a]: 0.9 })
    if (answer.length === 1) return likely({ [b]: 0.6, [a]: 0.3 })
    return likely({ [end]: 0.9 })
  })
  const handler = createFetch({
    task: 'generate',
    id: 'tiny',
    created: 0,
    engine: { ...createScriptedEngine([]), ...toy },
    tokenizer,
    // The bare texts, so that chat has the same prompt as a completion.
    chatTemplate: {
      source: '',
      render: ({ messages }) => messages.map(({ content }) => String(content)).join(''),
    },
    grammars: testGrammars(tokenizer),
    defaultSamplingParams: {},
    toolParser: null,
    reasoningParser: null,
  })
  const post = async (path: string, body: Record<string, unknown>, init?: RequestInit) => {
    const response = await handler(
      new Request(`http://quire.test${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ use_beam_search: true, n: 2, max_tokens: 3, ...body }),
        ...init,
      }),
    )
    expect(response.status).toBe(200)
    return response.json()
  }
  const chat = (body: Record<string, unknown> = {}) =>
    post('/v1/chat/completions', { messages: [{ role: 'user', content: '<p>' }], ...body })
  const complete = (body: Record<string, unknown> = {}, init?: RequestInit) =>
    post('/v1/completions', { prompt: '<p>', ...body }, init)
  return { toy, tokenizer, end, chat, complete }
}

type Choice = { text: string; finish_reason: string; stop_reason: unknown }

describe('beam search over HTTP', () => {
  it('answers with the best beams, the best first', async () => {
    const { complete, end } = serve()
    const { choices, usage } = await complete()
    expect(choices.map(({ text }: Choice) => text)).toEqual(['ab', 'aa'])
    for (const choice of choices) {
      expect(choice).toMatchObject({ finish_reason: 'stop', stop_reason: end })
    }
    expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 4 })
  })

  it('counts the end where asked for, and never writes it', async () => {
    const { choices, usage } = await serve().complete({
      include_stop_str_in_output: true,
      logprobs: 0,
    })
    expect(choices[0].text).toBe('ab')
    expect(choices[0].logprobs.tokens).toEqual(['a', 'b', eos])
    expect(usage.completion_tokens).toBe(6)
  })

  it('goes on after the end where it is to be ignored', async () => {
    const { choices } = await serve().complete({ ignore_eos: true, skip_special_tokens: false })
    expect(choices[0]).toMatchObject({ text: `ab${eos}`, finish_reason: 'length' })
  })

  it('serves several prompts at once, and echoes them', async () => {
    const { toy, complete } = serve()
    const { choices } = await complete({ prompt: ['<p>', 'x<p>'], echo: true })
    const texts = choices.map(({ text }: Choice) => text)
    expect(texts).toEqual(['<p>ab', '<p>aa', 'x<p>ab', 'x<p>aa'])
    expect(toy.batchSizes[0]).toBe(2)
  })

  it('works in chat, with log probabilities', async () => {
    const { toy, chat } = serve()
    const { choices } = await chat({ logprobs: true, top_logprobs: 1, priority: 4 })
    const contents = choices.map(({ message }: { message: { content: string } }) => message.content)
    expect(contents).toEqual(['ab', 'aa'])
    const content: { token: string; top_logprobs: { token: string }[] }[] =
      choices[1].logprobs.content
    expect(content.map(({ token }) => token)).toEqual(['a', 'a'])
    expect(content[1]?.top_logprobs.map(({ token }) => token)).toEqual(['a'])
    expect(toy.requests[0]?.priority).toBe(4)
  })

  it('frees all requests when the client gives up', async () => {
    const { toy, complete } = serve()
    toy.hangFrom = 1
    const client = new AbortController()
    const reply = complete({}, { signal: client.signal })
    while (toy.running.size < 2) await new Promise((resolve) => setTimeout(resolve))
    client.abort()
    expect(toy.running.size).toBe(0)
    await expect(reply).rejects.toMatchObject({ name: 'AbortError' })
  })
})
