import { describe, expect, it } from 'vitest'
import { createTestServer, eos } from './fixtures.ts'

const invoke = async (body: unknown) => {
  const server = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
  const response = await server.post('/invocations', body)
  return { status: response.status, body: await response.json() }
}

const messages = [{ role: 'user', content: 'hi' }]

describe('invocations', () => {
  it('answer a chat or a completion, by what the body holds', async () => {
    expect((await invoke({ messages })).body.object).toBe('chat.completion')
    expect((await invoke({ prompt: 'ab' })).body.object).toBe('text_completion')
  })

  it('stream', async () => {
    const { post } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
    const response = await post('/invocations', { messages, stream: true })
    expect(await response.text()).toMatch(/^data: .*data: \[DONE\]\n\n$/s)
  })

  it('refuse what is neither', async () => {
    for (const body of [{}, [], '"x"', { input: 'a' }]) {
      expect(await invoke(body)).toEqual({
        status: 400,
        body: {
          error: {
            message:
              'Cannot find suitable handler for request. Expected one of: ' +
              "['ChatCompletionRequest', 'CompletionRequest']",
            type: 'BadRequestError',
            param: null,
            code: 400,
          },
        },
      })
    }
    expect((await invoke({ messages: 'hi' })).body.error.param).toBe('body.messages')
  })
})
