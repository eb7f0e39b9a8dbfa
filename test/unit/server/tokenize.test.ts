import { describe, expect, it } from 'vitest'
import { createTestServer, type TestServer } from './fixtures.ts'

const answer = async (
  server: TestServer,
  body: Record<string, unknown>,
  path = '/tokenize',
): Promise<Record<string, unknown>> => {
  const response = await server.post(path, body)
  expect(response.status).toBe(200)
  return await response.json()
}

const messages = [{ role: 'user', content: 'hi' }]

describe('tokenize', () => {
  it('tells the ids of a text, in vLLM’s order of keys', async () => {
    const server = createTestServer()
    const [a, b] = server.tokenizer.ids('a', 'b')
    const response = await server.post('/tokenize', { prompt: 'aba', model: 'tiny' })
    expect(await response.text()).toBe(
      `{"count":3,"max_model_len":1000,"tokens":[${a},${b},${a}],"token_strs":null}`,
    )
  })

  it('tells the tokens themselves where asked', async () => {
    const { token_strs: texts } = await answer(createTestServer(), {
      prompt: 'aé',
      return_token_strs: true,
    })
    expect(texts).toEqual(['a', 'é'])
  })

  it('renders a chat as a request for its answer would', async () => {
    const server = createTestServer({ scripts: [{ pieces: ['a'] }] })
    const { tokens, count } = await answer(server, { messages })
    await server.chat({ messages })
    expect(tokens).toEqual(server.engine.requests[0]?.promptTokenIds)
    expect(count).toBe('user:hi|assistant:'.length)
  })

  it('takes the fields of the template', async () => {
    const server = createTestServer()
    const tool = { type: 'function', function: { name: 'f' } }
    await answer(server, {
      messages,
      tools: [tool],
      add_generation_prompt: false,
      chat_template_kwargs: { enable_thinking: false },
    })
    expect(server.templateInputs[0]).toMatchObject({
      tools: [tool],
      addGenerationPrompt: false,
      kwargs: { enable_thinking: false },
    })
    await answer(server, { messages, continue_final_message: true })
    expect(server.templateInputs[1]).toMatchObject({
      addGenerationPrompt: false,
      continueFinalMessage: true,
    })
  })

  it('adds special tokens to texts, and to chats where asked', async () => {
    const asked: (boolean | undefined)[] = []
    const { tokenizer } = createTestServer()
    const spy = {
      ...tokenizer,
      encode(...given: Parameters<typeof tokenizer.encode>) {
        asked.push(given[1]?.addSpecialTokens)
        return tokenizer.encode(...given)
      },
    }
    const server = createTestServer({ model: { tokenizer: spy } })
    await answer(server, { prompt: 'a' })
    await answer(server, { prompt: 'a', add_special_tokens: false })
    await answer(server, { messages })
    await answer(server, { messages, add_special_tokens: true })
    expect(asked).toEqual([true, false, false, true])
  })

  it.each([
    [{ prompt: 5 }, 'Bad Request', 'body.prompt'],
    [{}, 'Bad Request', 'body.prompt'],
    [{ messages: 'hi' }, 'Bad Request', 'body.messages'],
    [{ prompt: 'a', return_token_strs: 'often' }, 'Bad Request', 'body.return_token_strs'],
    [{ messages: [] }, 'BadRequestError', 'messages'],
    [{ prompt: 'a', add_special_tokens: null }, 'Bad Request', 'body.add_special_tokens'],
    [{ messages, tools: [{ function: {} }] }, 'Bad Request', 'body.tools.0.function.name'],
    [{ messages, chat_template_kwargs: { chat_template: 'x' } }, 'BadRequestError', null],
    [{ messages, chat_template: '{{ x }}' }, 'BadRequestError', null],
    [
      { messages, add_generation_prompt: true, continue_final_message: true },
      'BadRequestError',
      null,
    ],
    [{ prompt: 'a', model: 'other' }, 'NotFoundError', 'model'],
  ])('refuses %j', async (body, type, param) => {
    const response = await createTestServer().post('/tokenize', body)
    const { error } = await response.json()
    expect(error).toMatchObject({ type, param, code: response.status })
  })
})

const refusalOf = async (body: unknown) => {
  const response = await createTestServer().post('/detokenize', body)
  return (await response.json()).error
}

describe('detokenize', () => {
  it('is the way back', async () => {
    const server = createTestServer()
    const { tokens } = await answer(server, { prompt: 'abc' })
    expect(await answer(server, { tokens, model: 'tiny' }, '/detokenize')).toEqual({
      prompt: 'abc',
    })
    expect(await answer(server, { tokens: [] }, '/detokenize')).toEqual({ prompt: '' })
    const [eos] = server.tokenizer.ids('<|im_end|>')
    expect(await answer(server, { tokens: [eos] }, '/detokenize')).toEqual({
      prompt: '<|im_end|>',
    })
  })

  it('refuses what is no list of ids', async () => {
    expect(await refusalOf({ tokens: [1, -2] })).toMatchObject({
      type: 'Bad Request',
      param: 'body.tokens.1',
      message:
        "1 validation error:\n  {'type': 'greater_than_equal', 'loc': ('body', 'tokens', 1), " +
        "'msg': 'Input should be greater than or equal to 0', 'input': -2}",
    })
    expect((await refusalOf({ tokens: 'ab' })).param).toBe('body.tokens')
    expect((await refusalOf({})).param).toBe('body.tokens')
    expect((await refusalOf({ tokens: [1], model: 'other' })).code).toBe(404)
  })
})
