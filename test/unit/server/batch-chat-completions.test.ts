import { describe, expect, it } from 'vitest'
import { createTestServer, eos, refusal, type TestServer } from './fixtures.ts'

const path = '/v1/chat/completions/batch'
const conversation = (content: string) => [{ role: 'user', content }]
const messages = [conversation('one'), conversation('three')]

const batch = (server: TestServer) => (body: Record<string, unknown>) =>
  server.post(path, { messages, ...body })

describe('a batch of chats', () => {
  it('has a choice for each conversation, and counts all tokens', async () => {
    const server = createTestServer({
      scripts: [{ pieces: ['1', '1', eos] }, { pieces: ['3'], end: 'length' }],
    })
    const reply = await (await batch(server)({ return_token_ids: true })).json()
    const ids = (...pieces: string[]) => server.tokenizer.ids(...pieces)
    expect(reply.object).toBe('chat.completion')
    expect(reply.id).toMatch(/^chatcmpl-[0-9a-f]{16}$/)
    expect(reply.choices).toMatchObject([
      {
        index: 0,
        message: { content: '11' },
        finish_reason: 'stop',
        token_ids: ids('1', '1', eos),
      },
      { index: 1, message: { content: '3' }, finish_reason: 'length', token_ids: ids('3') },
    ])
    const numPromptTokens = 'user:one|assistant:'.length + 'user:three|assistant:'.length
    expect(reply.usage).toMatchObject({ prompt_tokens: numPromptTokens, completion_tokens: 4 })
    expect(reply.prompt_token_ids).toBeNull()
  })

  it('runs all conversations at once', async () => {
    const hang = { pieces: ['a'], end: 'hang' as const }
    const server = createTestServer({ scripts: [hang, hang] })
    const client = new AbortController()
    const headers = { 'content-type': 'application/json' }
    const init = { headers, signal: client.signal }
    const rejection = expect(server.post(path, { messages }, init)).rejects.toThrow(/abort/i)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(server.engine.running.size).toBe(2)
    client.abort()
    expect(server.engine.running.size).toBe(0)
    await rejection
  })

  it('echoes each final message', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['1', eos] }, { pieces: ['2', eos] }] })
    const continued = [[{ role: 'assistant', content: 'a' }], [{ role: 'assistant', content: 'b' }]]
    const { choices } = await (await batch(server)({ messages: continued, echo: true })).json()
    expect(choices.map(({ message }: { message: { content: string } }) => message.content)).toEqual(
      ['a1', 'b2'],
    )
  })

  it('frees the others where one is refused', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['a'], end: 'hang' }] })
    const long = [conversation('a'), conversation('b'.repeat(2000))]
    expect((await refusal(batch(server), { messages: long })).param).toBe('input_tokens')
    expect([...server.engine.aborted]).toEqual([0])
  })

  it.each([
    [{ stream: true }, 'stream'],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
    [{ use_beam_search: true }, 'use_beam_search'],
    [{ n: 2 }, 'n'],
    [{ n: 0 }, 'n'],
    [{ tool_choice: 'auto' }, 'body.tool_choice'],
    [{ messages: [] }, 'body.messages'],
    [{ messages: [[]] }, 'body.messages.0'],
    [{ messages: conversation('a') }, 'body.messages.0'],
    [{ temperature: 'x' }, 'body.temperature'],
  ])('refuses %j', async (body, param) => {
    const server = createTestServer()
    const error = await refusal(batch(server), body)
    expect([error.code, error.param]).toEqual([400, param])
    expect(server.engine.requests).toHaveLength(0)
  })

  it('says so in vLLM’s words', async () => {
    const several = await refusal(batch(createTestServer()), { n: 2 })
    expect(several.message).toBe(
      'Batch chat completions do not support `n > 1`. Please set `n` to 1. (parameter=n, value=2)',
    )
    const searching = await refusal(batch(createTestServer()), { use_beam_search: true })
    expect(searching.message).toBe(
      'Batch chat completions do not support beam search. Please set `use_beam_search` to False. ' +
        '(parameter=use_beam_search)',
    )
    const none = await refusal(batch(createTestServer()), { messages: [] })
    expect(none.message).toContain('List should have at least 1 item after validation, not 0')
  })
})
