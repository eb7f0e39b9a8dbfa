import { expect, it } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { createTestServer, eos, type PieceScript, refusal } from './fixtures.ts'

const inText = { stream: true, stream_format: 'text' }

const streamed = async (pieces: readonly string[], more: Partial<PieceScript> = {}) => {
  const { chat } = createTestServer({ scripts: [{ pieces, ...more }] })
  return (await chat(inText)).text()
}

it('sends the text of a chat alone, spaces and all', async () => {
  expect(await streamed(['Hello', ' world', eos])).toBe(
    'data: Hello\n\ndata:  world\n\ndata: [DONE]\n\n',
  )
})

it('takes the format from the address as well', async () => {
  const { post } = createTestServer({ scripts: [{ pieces: ['a', 'b', eos] }] })
  const messages = [{ role: 'user', content: 'hi' }]
  const response = await post('/v1/chat/completions?format=text', { stream: true, messages })
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(await response.text()).toBe('data: a\n\ndata: b\n\ndata: [DONE]\n\n')
})

it('lets the body win over the address', async () => {
  const { post } = createTestServer({ scripts: [{ pieces: ['a', eos] }] })
  const body = { stream: true, stream_format: 'json', prompt: 'ab' }
  const text = await (await post('/v1/completions?format=text', body)).text()
  expect(text).toContain('data: {"id":"cmpl-')
})

it('streams completions', async () => {
  const { complete } = createTestServer({ scripts: [{ pieces: ['a', 'b', eos] }] })
  expect(await (await complete(inText)).text()).toBe('data: a\n\ndata: b\n\ndata: [DONE]\n\n')
})

it('gives each line a data line', async () => {
  expect(await streamed(['a\nb\r\n', '\n', eos])).toBe(
    'data: a\ndata: b\ndata: \n\ndata: \ndata: \n\ndata: [DONE]\n\n',
  )
})

it('cuts an answer that reads like the end', async () => {
  expect(await streamed(['[DONE]', eos])).toBe('data: [\n\ndata: DONE]\n\ndata: [DONE]\n\n')
})

it('leaves reasoning out', async () => {
  const { chat } = createTestServer({
    scripts: [{ pieces: ['<think>', 'hm', '</think>', 'yes', eos] }],
    model: { reasoningParser: 'qwen3' },
  })
  expect(await (await chat(inText)).text()).toBe('data: yes\n\ndata: [DONE]\n\n')
})

it('tells a failure as an event of its own', async () => {
  const end = new EngineError('device-lost', 'The GPU is gone.')
  expect(await streamed(['a'], { end })).toBe(
    'data: a\n\nevent: error\ndata: {"error":{"message":"The GPU is gone.",' +
      '"type":"InternalServerError","param":null,"code":500}}\n\ndata: [DONE]\n\n',
  )
})

it('refuses what is not one stream of text', async () => {
  const { chat, complete } = createTestServer({ model: { toolParser: 'hermes' } })
  const param = 'stream_format'
  const tools = [{ type: 'function', function: { name: 'f' } }]
  expect(await refusal(chat, { stream_format: 'text' })).toMatchObject({ code: 400, param })
  expect(await refusal(chat, { ...inText, n: 2 })).toMatchObject({ code: 400, param })
  expect(await refusal(chat, { ...inText, tools })).toMatchObject({ code: 400, param })
  expect(await refusal(complete, { ...inText, prompt: ['a', 'b'] })).toMatchObject({ param })
  expect(await refusal(chat, { stream: true, stream_format: 'xml' })).toMatchObject({ code: 400 })
})
