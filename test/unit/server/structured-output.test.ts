import { describe, expect, it } from 'vitest'
import { createTestServer, eos, refusal } from './fixtures.ts'

const model = { toolParser: 'hermes' }
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const named = { type: 'function', function: { name: 'weather' } }

const badSchema = { type: 'object', properties: { a: { not: { type: 'null' } } } }
const bySchema = (schema: unknown) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
})

describe('a form that can not be kept', () => {
  it.each([
    [bySchema(badSchema), 'response_format', '(at $.properties.a)'],
    [{ structured_outputs: { json: badSchema } }, 'structured_outputs', '(at $.properties.a)'],
    [{ structured_outputs: { json: '{"type"' } }, 'structured_outputs', 'no JSON object'],
    [{ structured_outputs: { regex: 'a(?=b)' } }, 'structured_outputs', 'at character 2'],
    [{ structured_outputs: { grammar: 'root ::= "a' } }, 'structured_outputs', 'line 1, column 12'],
    [
      { structured_outputs: { choice: [] } },
      'structured_outputs',
      "Choice '[]' cannot be an empty list",
    ],
    [
      { structured_outputs: { grammar: ' ' } },
      'structured_outputs',
      'structured_outputs.grammar cannot be an empty string',
    ],
    [
      { structured_outputs: { json: '' } },
      'structured_outputs',
      'structured_outputs.json cannot be an empty string',
    ],
    [
      { structured_outputs: { json_object: false } },
      'structured_outputs',
      'structured_outputs.json_object must be True if set; omit structured_outputs to disable ' +
        'structured outputs',
    ],
    [
      { structured_outputs: { structural_tag: '{' } },
      'structured_outputs',
      'Invalid structured_outputs structural_tag specification. (parameter=structured_outputs)',
    ],
    [
      { structured_outputs: { disable_any_whitespace: true } },
      null,
      'You must use one kind of structured outputs constraint but none are specified: ' +
        "{'json': None, 'regex': None, 'choice': None, 'grammar': None, 'json_object': None, " +
        "'disable_any_whitespace': True, 'disable_additional_properties': False, ",
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
      null,
      'You must use one kind of structured outputs constraint but none are specified',
    ],
    [
      {
        structured_outputs: { regex: 'a' },
        tools: [weather],
        tool_choice: named,
      },
      null,
      'You can only either use constraints for structured outputs or tools, not both.',
    ],
    [
      { response_format: { type: 'structural_tag', format: { type: 'x' } } },
      'response_format',
      '(at $.format)',
    ],
    [
      {
        tools: [{ ...weather, function: { name: 'f', parameters: badSchema } }],
        tool_choice: 'required',
      },
      'tools',
      '(at tools[0].function.parameters.properties.a)',
    ],
    [
      { structured_outputs: { json: {}, regex: 'a' } },
      null,
      "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').",
    ],
    [
      { structured_outputs: { grammar: 'a' }, ...bySchema({}) },
      null,
      'You can only use one kind of structured outputs constraint but multiple are specified',
    ],
    [
      { response_format: { type: 'json_schema' } },
      'response_format',
      "the 'json_schema' field must be provided. (parameter=response_format)",
    ],
  ])('%j is a 400 that says where', async (body, param, message) => {
    const { chat, engine } = createTestServer({ model })
    const error = await refusal(chat, body)
    expect(error).toMatchObject({ code: 400, type: 'BadRequestError', param })
    expect(error.message).toContain(message)
    expect(engine.requests).toHaveLength(0)
  })

  it('is one without a parser, where calls are required', async () => {
    const error = await refusal(createTestServer().chat, {
      tools: [weather],
      tool_choice: 'required',
    })
    expect(error.message).toBe('tool_choice="required" requires --tool-call-parser to be set')
  })

  it('leaves the next request as it was', async () => {
    const { chat, engine } = createTestServer({ scripts: [{ pieces: ['a'] }], model })
    await refusal(chat, { structured_outputs: { grammar: 'root ::= (' } })
    const response = await chat({ structured_outputs: { regex: 'a' } })
    expect(response.status).toBe(200)
    expect(engine.requests[0]?.tokenMask).toBeTypeOf('function')
  })
})

describe('a form', () => {
  it.each([
    [{ response_format: { type: 'text' } }],
    [{ response_format: null }],
    [{ structured_outputs: null }],
    [{ tools: [weather] }],
  ])('is none in %j', async (body) => {
    const { chat, engine } = createTestServer({ scripts: [{ pieces: ['a'] }], model })
    expect((await chat(body)).status).toBe(200)
    expect(engine.requests[0]?.tokenMask).toBeUndefined()
  })

  it('replaces one of its kind, and holds completions too', async () => {
    const scripts = [{ pieces: ['a'] }, { pieces: ['a'] }]
    const { chat, complete, engine } = createTestServer({ scripts, model })
    const both = { structured_outputs: { json: badSchema }, ...bySchema({ type: 'null' }) }
    expect((await chat(both)).status).toBe(200)
    const completion = await complete({ prompt: 'x', structured_outputs: { choice: ['a', 'b'] } })
    expect(completion.status).toBe(200)
    expect(engine.requests.every(({ tokenMask }) => tokenMask !== undefined)).toBe(true)
  })
})

const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'

const answer = async (text: string, body: object, given: object = model) => {
  const { chat } = createTestServer({ scripts: [{ pieces: [text, eos] }], model: given })
  const { choices } = await (await chat({ tools: [weather], ...body })).json()
  return choices[0]
}

describe('calls that the request insists on', () => {
  it('are in the model’s own format where that writes arguments as JSON', async () => {
    const choice = await answer(call, { tool_choice: 'required' })
    expect(choice.finish_reason).toBe('tool_calls')
    expect(choice.message.content).toBe('')
    expect(choice.message.tool_calls).toMatchObject([
      { type: 'function', function: { name: 'weather', arguments: '{"city": "Oslo"}' } },
    ])
  })

  it('end for the reason of the answer where the tool was named', async () => {
    const choice = await answer(call, { tool_choice: named })
    expect(choice.finish_reason).toBe('stop')
    expect(choice.message.tool_calls).toHaveLength(1)
  })

  it('are plain JSON where the format is none', async () => {
    const guided = { toolParser: 'qwen3_coder' }
    const list = '[{"name": "weather", "parameters": {"city": "Oslo"}}]'
    const required = await answer(list, { tool_choice: 'required' }, guided)
    expect(required.message.tool_calls[0].function).toEqual({
      name: 'weather',
      arguments: '{"city": "Oslo"}',
    })
    const bare = await answer('{"city": "Oslo"}', { tool_choice: named }, guided)
    expect(bare.message.tool_calls[0].function).toEqual({
      name: 'weather',
      arguments: '{"city": "Oslo"}',
    })
    expect(bare.finish_reason).toBe('stop')
  })
})
