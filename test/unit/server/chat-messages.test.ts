import { describe, expect, it } from 'vitest'
import { toChatMessages } from '../../../src/server/chat-messages.ts'
import { createTestServer, refusal } from './fixtures.ts'

const parts = [
  { type: 'text', text: 'a' },
  { type: 'input_text', text: 'b' },
  { type: 'refusal', refusal: 'c' },
]
const loop = '{%- for part in message.content %}{{ part.text }}{% endfor %}'

const text = (value: string) => ({ type: 'text', text: value })

const call = (args: unknown) => ({ type: 'function', function: { name: 'f', arguments: args } })

describe('messages for the template', () => {
  it('joins text parts by line feeds for templates that want strings', () => {
    expect(toChatMessages([{ role: 'user', content: parts }], '')).toEqual([
      { role: 'user', content: 'a\nb\nc' },
    ])
  })

  it('gives parts to templates that loop over them', () => {
    expect(toChatMessages([{ role: 'user', content: parts }], loop)[0]?.content).toEqual(
      ['a', 'b', 'c'].map(text),
    )
    expect(toChatMessages([{ role: 'user', content: 'a' }], loop)[0]?.content).toEqual([text('a')])
    const checked = `{% if message.content is string %}x{% else %}${loop}{% endif %}`
    expect(toChatMessages([{ role: 'user', content: 'a' }], checked)[0]?.content).toBe('a')
  })

  it('reads null content as empty text', () => {
    expect(toChatMessages([{ role: 'assistant', content: null }], '')[0]?.content).toBe('')
  })

  it('parses the arguments of tool calls', () => {
    const given = ['{"a":1}', '', null, { b: 2 }].map(call)
    const [message] = toChatMessages([{ role: 'assistant', tool_calls: given }], '')
    expect(message?.tool_calls).toEqual([{ a: 1 }, {}, {}, { b: 2 }].map(call))
  })

  it('drops an empty list of tool calls and calls reasoning by one name', () => {
    const given = { role: 'assistant', content: 'x', tool_calls: [], reasoning_content: 'r' }
    expect(toChatMessages([given], '')).toEqual([
      { role: 'assistant', content: 'x', reasoning: 'r' },
    ])
  })

  it('keeps the other fields', () => {
    const given = { role: 'tool', content: '3', tool_call_id: 'id', name: 'f' }
    expect(toChatMessages([given], '')).toEqual([given])
  })

  it.each([
    [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }, "'image_url'"],
    [{ role: 'user', content: [{ type: 'input_audio' }] }, "'input_audio'"],
    [
      { role: 'user', content: [{ type: 'hologram' }] },
      "Unsupported chat content part type: 'hologram'",
    ],
    [{ role: 'user', content: [{ type: 'text' }] }, 'needs a string `text`'],
    [
      { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{' } }] },
      'not valid JSON',
    ],
  ])('refuses %j', async (message, reason) => {
    const response = await createTestServer().chat({ messages: [message] })
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error.message).toContain(reason)
    expect(error.param).toBe('messages')
  })

  it('refuses calls of other kinds, and an empty chat, in vLLM’s words', async () => {
    const { chat } = createTestServer()
    const custom = { type: 'custom', custom: { name: 'f', input: '' } }
    const calling = [{ role: 'assistant', content: null, tool_calls: [custom] }]
    expect(await refusal(chat, { messages: calling })).toMatchObject({
      message:
        "chat completions only support assistant tool_calls of type 'function'. " +
        '(parameter=tool_calls)',
      param: 'tool_calls',
    })
    expect((await refusal(chat, { messages: [] })).message).toBe(
      'Cannot apply chat template to an empty conversation. Provide at least one message.',
    )
  })
})

const inputOf = async (body: Record<string, unknown>) => {
  const server = createTestServer({
    scripts: [{ pieces: ['a'] }],
    model: { toolParser: 'hermes' },
  })
  await server.chat(body)
  return server.templateInputs[0]
}

const kwargsOf = async (body: Record<string, unknown>) => (await inputOf(body))?.kwargs

describe('the template’s variables', () => {
  it('get reasoning_effort, which also switches thinking', async () => {
    expect(await kwargsOf({})).toEqual({})
    expect(await kwargsOf({ reasoning_effort: 'none' })).toEqual({
      reasoning_effort: 'none',
      enable_thinking: false,
    })
    const chat_template_kwargs = { enable_thinking: true, style: 'dry' }
    expect(await kwargsOf({ reasoning_effort: 'none', chat_template_kwargs })).toEqual({
      reasoning_effort: 'none',
      enable_thinking: true,
      style: 'dry',
    })
  })

  it('open an answer, unless the final message is continued', async () => {
    expect((await inputOf({}))?.addGenerationPrompt).toBe(true)
    expect((await inputOf({ add_generation_prompt: false }))?.addGenerationPrompt).toBe(false)
    const continued = await inputOf({ continue_final_message: true })
    expect(continued).toMatchObject({ addGenerationPrompt: false, continueFinalMessage: true })
  })

  it('get tools with their keys in one order', async () => {
    const tool = { function: { parameters: {}, description: 'd', name: 'f' }, type: 'function' }
    const input = await inputOf({ tools: [tool] })
    expect(JSON.stringify(input?.tools)).toBe(
      '[{"type":"function","function":{"name":"f","description":"d","parameters":{}}}]',
    )
  })
})
