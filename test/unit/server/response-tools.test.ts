import { describe, expect, it } from 'vitest'
import { parseResponsesRequest, toChatBody } from '../../../src/server/responses/request.ts'
import { createTestServer, eos, type RefusalCase } from './fixtures.ts'

const tool = (name: string) => ({ type: 'function', name, parameters: { type: 'object' } })
const weather = tool('weather')
const stars = tool('stars')
const space = { type: 'namespace', name: 'sky', tools: [stars, { type: 'custom', name: 'x' }] }

const allow = (mode: string, ...tools: object[]) => ({ type: 'allowed_tools', mode, tools })

const toChat = (body: object) =>
  toChatBody(parseResponsesRequest({ input: 'hi', ...body }), [], 'resp_1')

describe('the tools of a response', () => {
  it('are told to the model where they are allowed', () => {
    const tools = [tool('now'), weather]
    for (const mode of ['auto', 'required']) {
      const tool_choice = allow(mode, { type: 'function', name: 'weather' }, { type: 'web_search' })
      const chat = toChat({ tools, tool_choice })
      expect(chat['tools']).toMatchObject([{ function: { name: 'weather' } }])
      expect(chat['tool_choice']).toBe(mode)
    }
  })

  it('have a name of both in a namespace', () => {
    const tools = [weather, space]
    const choose = (name: string) => toChat({ tools, tool_choice: { type: 'function', name } })
    expect(toChat({ tools })['tools']).toMatchObject([
      { function: { name: 'weather' } },
      { function: { name: 'sky__stars', parameters: { type: 'object' } } },
    ])
    for (const name of ['stars', 'sky.stars', 'sky__stars']) {
      expect(choose(name)['tool_choice']).toEqual({
        type: 'function',
        function: { name: 'sky__stars' },
      })
    }
    const both = { tools: [space, stars], tool_choice: { type: 'function', name: 'stars' } }
    expect(toChat(both)['tool_choice']).toMatchObject({ function: { name: 'stars' } })
    const call = { type: 'function_call', call_id: '1', name: 'stars', namespace: 'sky' }
    expect(toChat({ input: [call] })['messages']).toMatchObject([
      { tool_calls: [{ function: { name: 'sky__stars' } }] },
    ])
  })

  it('are called by the names of the request', async () => {
    const pieces = ['<tool_call>', '{"name": "sky__stars", "arguments": {}}', '</tool_call>', eos]
    const { post } = createTestServer({
      scripts: [{ pieces }, { pieces }],
      model: { toolParser: 'hermes' },
    })
    const body = { input: 'hi', tools: [space] }
    const whole = await (await post('/v1/responses', body)).json()
    expect(whole.output).toMatchObject([
      { type: 'function_call', name: 'stars', namespace: 'sky', arguments: '{}' },
    ])
    expect(whole.tools).toEqual([space])
    const events = await (await post('/v1/responses', { ...body, stream: true })).text()
    expect(events.match(/"name":"stars"(?=[^{}]*"namespace":"sky")/g)).toHaveLength(3)
    expect(events).toMatch(/"name":"stars"[^{}]*"response.function_call_arguments.done"/)
    expect(events).not.toContain('sky__stars')
  })
})

const found = (text: string) => `1 validation error:\n  {${text}}`

const refusals: readonly RefusalCase[] = [
  [
    { tools: [weather], tool_choice: { type: 'web_search_preview' } },
    'A tool choice of type "web_search_preview" is not supported, as functions are the only ' +
      "tools here. Supported types: function, allowed_tools; or 'none', 'auto', 'required'.",
    'tool_choice',
  ],
  [
    {
      tools: [weather],
      tool_choice: allow('auto', { type: 'function', name: 'other' }),
    },
    "Tool choice 'function' not found in 'tools' parameter. (parameter=tool_choice)",
    'tool_choice',
  ],
  [
    {
      tools: [weather],
      tool_choice: allow('required', { type: 'web_search' }),
    },
    "Tool choice 'required' must be specified with 'tools' parameter. (parameter=tool_choice)",
    'tool_choice',
  ],
  [
    { tools: [weather], tool_choice: allow('none') },
    found(
      "'type': 'literal_error', 'loc': ('body', 'tool_choice', 'mode'), " +
        "'msg': \"Input should be 'auto' or 'required'\", 'input': 'none'",
    ),
    'body.tool_choice.mode',
  ],
  [
    { tools: [{ type: 'namespace', name: 'sky', tools: [stars, { type: 'function' }] }] },
    found(
      "'type': 'missing', 'loc': ('body', 'tools', 0, 'tools', 1, 'name'), " +
        "'msg': 'Field required', 'input': {'type': 'function'}",
    ),
    'body.tools.0.tools.1.name',
  ],
]

describe('refusals of tools', () => {
  it.each(refusals)('%j', async (body, message, param) => {
    const response = await createTestServer().post('/v1/responses', { input: 'hi', ...body })
    expect(response.status).toBe(400)
    expect((await response.json()).error).toMatchObject({ message, param })
  })
})
