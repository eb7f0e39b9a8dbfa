import { describe, expect, it } from 'vitest'
import { createTestServer, eos, refusal } from './fixtures.ts'

const ask = async (
  body: Record<string, unknown>,
  pieces: readonly string[],
  reasoningParser = 'qwen3',
) => {
  const server = createTestServer({
    scripts: [{ pieces: [...pieces, eos] }],
    model: { reasoningParser, toolParser: 'hermes' },
  })
  const response = await server.chat(body)
  expect(response.status).toBe(200)
  const { choices, usage } = await response.json()
  const { reasoning, content, tool_calls: calls } = choices[0].message
  const kwargs = server.templateInputs[0]?.kwargs
  return { reasoning, content, calls, usage, kwargs }
}

const thought = ['<think>', 'One.', '</think>', 'Two.']
const weather = { type: 'function', function: { name: 'weather', parameters: {} } }
const call = '{"name": "weather", "arguments": {"city": "Oslo"}}'

describe('an effort', () => {
  it.each([
    ['none', false],
    ['low', true],
    ['max', true],
  ])('%s goes to the template, and switches thinking: %s', async (effort, thinks) => {
    const { kwargs, reasoning } = await ask({ reasoning_effort: effort }, thought)
    expect(kwargs).toEqual({ reasoning_effort: effort, enable_thinking: thinks })
    expect(reasoning).toBe(thinks ? 'One.' : null)
  })

  it('gives way to template variables', async () => {
    const body = { reasoning_effort: 'none', chat_template_kwargs: { enable_thinking: true } }
    const { kwargs, reasoning } = await ask(body, thought)
    expect(kwargs).toEqual({ reasoning_effort: 'none', enable_thinking: true })
    expect(reasoning).toBe('One.')
  })

  it('of none is refused by models that always think', async () => {
    const server = createTestServer({ model: { reasoningParser: 'openai_gptoss' } })
    expect(await refusal(server.chat, { reasoning_effort: 'none' })).toMatchObject({
      code: 400,
      message: "Harmony does not support reasoning_effort='none'",
      param: 'reasoning_effort',
    })
  })
})

describe('template variables', () => {
  it.each([
    ['qwen3', { enable_thinking: false }],
    ['glm45', { thinking: false }],
    ['deepseek_v3', {}],
    ['hy_v3', { reasoning_effort: 'no_think' }],
  ])('turn %s off by %j: the text stays as it is', async (parser, kwargs) => {
    const { reasoning, content } = await ask({ chat_template_kwargs: kwargs }, thought, parser)
    expect([reasoning, content]).toEqual([null, thought.join('')])
  })

  it.each([
    ['deepseek_v3', { thinking: true }],
    ['hy_v3', { reasoning_effort: 'high' }],
    ['qwen3', { think_mode: 'fast' }],
  ])('turn %s on by %j, and reach the template', async (parser, given) => {
    const found = await ask({ chat_template_kwargs: given }, thought, parser)
    expect(found).toMatchObject({ reasoning: 'One.', content: 'Two.', kwargs: given })
  })
})

describe('markers that ordinary tokens spell', () => {
  it('are text, in the answer and in the thinking', async () => {
    const spelled = ['<thi', 'nk>', 'x</', 'think>']
    const answer = await ask({}, spelled)
    expect([answer.reasoning, answer.content]).toEqual([null, spelled.join('')])
    const thinking = await ask({}, ['<think>', ...spelled, '</think>', 'Two.'])
    expect([thinking.reasoning, thinking.content]).toEqual([spelled.join(''), 'Two.'])
  })
})

describe('reasoning with tools', () => {
  const pieces = ['<think>', 'One.', '</think>', '<tool_call>', call, '</tool_call>']

  it('comes besides the calls', async () => {
    const found = await ask({ tools: [weather] }, pieces)
    expect(found).toMatchObject({ reasoning: 'One.', content: null })
    expect(found.calls).toHaveLength(1)
  })

  it('comes besides calls that are not wanted', async () => {
    const found = await ask({ tools: [weather], tool_choice: 'none' }, pieces)
    const content = `<tool_call>${call}</tool_call>`
    expect(found).toMatchObject({ reasoning: 'One.', content })
    expect(found.calls).toBeUndefined()
  })

  it('is left out where it is not wanted, and counted all the same', async () => {
    const found = await ask({ tools: [weather], include_reasoning: false }, pieces)
    expect(found.reasoning).toBeNull()
    expect(found.calls).toHaveLength(1)
    expect(found.usage.completion_tokens_details).toEqual({ reasoning_tokens: 1 })
  })
})

const contentOf = async (model: object, body: object, pieces: readonly string[]) => {
  const { chat } = createTestServer({ scripts: [{ pieces: [...pieces, eos] }], model })
  const { choices } = await (await chat({ ...body })).json()
  return choices[0].message.content
}

describe('an answer without text', () => {
  const thinks = { reasoningParser: 'qwen3' }

  it('is null where the model may think, and empty else', async () => {
    expect(await contentOf(thinks, {}, [])).toBeNull()
    expect(await contentOf(thinks, { include_reasoning: false }, thought.slice(0, 3))).toBeNull()
    expect(await contentOf({}, {}, [])).toBe('')
    expect(await contentOf({ toolParser: 'hermes' }, { tools: [weather] }, [])).toBe('')
  })

  it('is empty where a call was insisted on', async () => {
    const body = { tools: [weather], tool_choice: 'required' }
    const model = { ...thinks, toolParser: 'hermes' }
    expect(await contentOf(model, body, thought.slice(0, 3))).toBe('')
  })
})
