import { describe, expect, it } from 'vitest'
import { createTestServer, eos, refusal } from './fixtures.ts'

const oneAnswer = { scripts: [{ pieces: [eos] }] }

const promptOf = async (endpoint: 'chat' | 'complete', body: Record<string, unknown>) => {
  const server = createTestServer(oneAnswer)
  const response = await server[endpoint](body)
  expect(response.status).toBe(200)
  return server.tokenizer.decode(server.engine.requests[0]?.promptTokenIds ?? [])
}

describe('truncate_prompt_tokens', () => {
  it('keeps the end of a prompt unless it is told to keep the beginning', async () => {
    expect(await promptOf('complete', { prompt: 'abcdef', truncate_prompt_tokens: 2 })).toBe('ef')
    const right = { truncate_prompt_tokens: 2, truncation_side: 'right' }
    expect(await promptOf('complete', { prompt: 'abcdef', ...right })).toBe('ab')
    expect(await promptOf('chat', { truncate_prompt_tokens: 4 })).toBe('ant:')
    expect(await promptOf('complete', { prompt: 'ab', truncate_prompt_tokens: 5 })).toBe('ab')
  })

  it('takes -1 for as many as leave room for the answer', async () => {
    const prompt = 'x'.repeat(2000)
    const all = await promptOf('complete', { prompt, max_tokens: 10, truncate_prompt_tokens: -1 })
    expect(all).toHaveLength(990)
  })

  it('cuts ids as well', async () => {
    const server = createTestServer(oneAnswer)
    await server.complete({ prompt: [3, 4, 5], truncate_prompt_tokens: 2 })
    expect(server.engine.requests[0]?.promptTokenIds).toEqual([4, 5])
  })

  it('keeps the special tokens around a text', async () => {
    const { tokenizer } = createTestServer()
    const [bos = 0] = tokenizer.ids('^')
    const framed = {
      ...tokenizer,
      encode: (text: string, options?: { readonly addSpecialTokens?: boolean }) => [
        ...((options?.addSpecialTokens ?? true) ? [bos] : []),
        ...tokenizer.encode(text),
      ],
    }
    const server = createTestServer({ ...oneAnswer, model: { tokenizer: framed } })
    await server.complete({ prompt: 'abcd', truncate_prompt_tokens: 3 })
    expect(tokenizer.decode(server.engine.requests[0]?.promptTokenIds ?? [])).toBe('^cd')
  })

  it('is refused where the context has no room for it', async () => {
    const { chat, complete } = createTestServer()
    expect(await refusal(complete, { truncate_prompt_tokens: 985 })).toEqual({
      message:
        'truncate_prompt_tokens=985 cannot be greater than max_model_len - max_tokens = 984. ' +
        'Please request a smaller truncation size. (parameter=truncate_prompt_tokens, value=985)',
      type: 'BadRequestError',
      param: 'truncate_prompt_tokens',
      code: 400,
    })
    const named = await refusal(chat, { truncate_prompt_tokens: 999, max_completion_tokens: 5 })
    expect(named.message).toContain('max_model_len - max_completion_tokens = 995.')
    expect((await refusal(complete, { truncate_prompt_tokens: 0 })).message).toBe(
      'The decoder prompt cannot be empty',
    )
  })

  it('is refused below -1, and with an unknown side', async () => {
    const { chat } = createTestServer()
    expect(await refusal(chat, { truncate_prompt_tokens: -2 })).toMatchObject({
      type: 'Bad Request',
      param: 'body.truncate_prompt_tokens',
      message: expect.stringContaining("'msg': 'Input should be greater than or equal to -1'"),
    })
    expect(await refusal(chat, { truncation_side: 'middle' })).toMatchObject({
      type: 'Bad Request',
      message: expect.stringContaining(`"Input should be 'left' or 'right'"`),
    })
  })
})
