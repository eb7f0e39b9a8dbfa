import { describe, expect, it } from 'vitest'
import { createTestServer, refusal, type RefusalCase } from './fixtures.ts'

const tools = [{ type: 'function', function: { name: 'f' } }]
const usage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`'
const named = (choice: unknown) => ({ tools, tool_choice: { type: 'function', function: choice } })

const noWord = (told: string) =>
  `Invalid value for \`tool_choice\`: ${told}! Only named tools, "none", "auto" or "required" ` +
  'are supported. (parameter=tool_choice)'

const noChoices: readonly RefusalCase[] = [
  [
    named('f'),
    `Invalid value for \`function\`: \`f\` in \`tool_choice\`! ${usage} ` +
      '(parameter=tool_choice.function)',
    'tool_choice.function',
  ],
  [
    named({}),
    `Expected field \`name\` in \`function\` in \`tool_choice\`! ${usage} ` +
      '(parameter=tool_choice.function.name)',
    'tool_choice.function.name',
  ],
  [
    named({ name: '' }),
    `Invalid \`name\` in \`function\`: \`\` in \`tool_choice\`! ${usage} ` +
      '(parameter=tool_choice.function.name)',
    'tool_choice.function.name',
  ],
  [
    named({ name: 3 }),
    `Invalid \`name\` in \`function\`: \`3\` in \`tool_choice\`! ${usage} ` +
      '(parameter=tool_choice.function.name)',
    'tool_choice.function.name',
  ],
  [
    { tools, tool_choice: { type: 'custom', custom: { name: 'f' } } },
    `Invalid value for \`function\`: \`None\` in \`tool_choice\`! ${usage} ` +
      '(parameter=tool_choice.function)',
    'tool_choice.function',
  ],
  [{ tools, tool_choice: true }, noWord('True'), 'tool_choice'],
  [{ tools, tool_choice: false }, noWord('False'), 'tool_choice'],
  [{ tools, tool_choice: ['auto'] }, noWord("['auto']"), 'tool_choice'],
  [{ tools, tool_choice: '' }, noWord(''), 'tool_choice'],
]

describe('a tool choice that is none', () => {
  it.each(noChoices)('%j', async (body, message, param) => {
    const { chat } = createTestServer({ model: { toolParser: 'hermes' } })
    const expected = { message, type: 'BadRequestError', param, code: 400 }
    expect(await refusal(chat, body)).toEqual(expected)
  })
})

describe('what is looked at first', () => {
  it('tells of a body with several faults the one that vLLM tells', async () => {
    const { chat, complete } = createTestServer()
    const order = [
      { continue_final_message: true, add_generation_prompt: true },
      { tools: [] },
      { structured_outputs: { json: {}, regex: 'a' } },
      { top_logprobs: 2 },
      { stream_options: { include_usage: true } },
      { response_format: { type: 'json_schema' } },
      { thinking_token_budget: -2 },
      { temperature: 'hot' },
      { stop: ['a', ''] },
      { model: 'other' },
    ]
    const first = [
      'Cannot set both',
      '`tools` must not be an empty array',
      'You can only use one kind of constraints',
      'when using `top_logprobs`',
      'Stream options',
      "When response_format type is 'json_schema'",
      '`thinking_token_budget` must be a non-negative integer or -1 for unlimited.',
      '1 validation error',
      'stop cannot contain an empty string.',
      'The model `other` does not exist.',
    ]
    for (const [index, message] of first.entries()) {
      const body = Object.assign({}, ...order.slice(index).toReversed())
      expect((await refusal(chat, body)).message).toContain(message)
    }
    const both = { prompt: '', stream_options: { include_usage: true }, logprobs: -1 }
    expect((await refusal(complete, both)).param).toBe('prompt')
    expect((await refusal(complete, { ...both, prompt: 'a' })).param).toBe('stream_options')
  })

  it('is fine where it is empty', async () => {
    const { chat } = createTestServer({ scripts: [{ pieces: ['a'] }] })
    const body = { stream_options: {}, logprob_token_ids: [], logprobs: true, top_logprobs: 0 }
    expect((await chat(body)).status).toBe(200)
  })

  it('names the field in completions', async () => {
    const body = { structured_outputs: { json: {}, regex: 'a' } }
    expect(await refusal(createTestServer().complete, body)).toMatchObject({
      message:
        "You can only use one kind of constraints for structured outputs ('json', 'regex' or " +
        "'choice'). (parameter=structured_outputs)",
      param: 'structured_outputs',
    })
  })
})

describe('a budget for thinking', () => {
  it.each([-2, 1.5, true, '3'])('is a number of tokens: %j', async (budget) => {
    const told = budget === true ? 'True' : String(budget)
    expect(await refusal(createTestServer().chat, { thinking_token_budget: budget })).toEqual({
      message:
        '`thinking_token_budget` must be a non-negative integer or -1 for unlimited. ' +
        `(parameter=thinking_token_budget, value=${told})`,
      type: 'BadRequestError',
      param: 'thinking_token_budget',
      code: 400,
    })
  })

  it('is not passed over in completions', async () => {
    const body = { thinking_token_budget: 3 }
    const plain = await refusal(createTestServer().complete, body)
    expect(plain.message).toContain('Please set --reasoning-parser')
    const thinking = createTestServer({ model: { reasoningParser: 'qwen3' } })
    expect((await refusal(thinking.complete, body)).message).toContain('/v1/chat/completions')
    const served = createTestServer({ scripts: [{ pieces: ['a'] }] })
    expect((await served.complete({ thinking_token_budget: -1 })).status).toBe(200)
  })
})

describe('a template', () => {
  it('is refused among the template’s variables too', async () => {
    const body = { chat_template_kwargs: { chat_template: '{{ x }}' } }
    expect((await refusal(createTestServer().chat, body)).message).toContain('untrusted')
  })
})
