import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadFromSource } from '../../src/load-model.ts'
import { createFetch, type FetchHandler } from '../../src/server/create-fetch.ts'
import type { AnyServedModel } from '../../src/server/served-model.ts'
import { connectHere } from '../unit/grammar/toy-grammars.ts'
import { createSchemaMaker } from '../reference/random-schema.ts'
import { testContext } from './context.ts'
import { repositorySource } from './test-engine.ts'

const numSchemas = 200
const numAtOnce = 16

let model: AnyServedModel
let handle: FetchHandler

const ask = async (body: object, path = 'chat/completions') => {
  const response = await handle(
    new Request(`http://quire.localhost/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  return { status: response.status, body: await response.json() }
}

const plainChat = (content: string) => ({
  messages: [{ role: 'user', content }],
  chat_template_kwargs: { enable_thinking: false },
  max_tokens: 600,
})

beforeAll(async () => {
  const context = await testContext()
  const path = 'demo/public/starter-model'
  model = await loadFromSource(
    {
      source: await repositorySource(path),
      requestContext: () => testContext(),
      options: { model: path, maxNumSeqs: numAtOnce },
      connectGrammars: connectHere,
    },
    context,
  )
  handle = createFetch(model)
})

afterAll(() => model.engine.dispose())

const tool = (name: string, parameters: object) => ({
  type: 'function',
  function: { name, description: 'Does something.', parameters },
})

const answer = async (form: object) => {
  const { body } = await ask({ ...plainChat('Hi, who are you?'), temperature: 1, ...form })
  return body.choices[0].message.content
}

const held = (structured: object) => answer({ structured_outputs: structured })

describe('the starter model, held to a form', () => {
  it(`answers ${numSchemas} random schemas with what is valid`, async () => {
    const nextSchema = createSchemaMaker(5)
    const ajv = new Ajv2020({ strict: false })
    const wrong: object[] = []
    const answerOne = async (index: number) => {
      const schema = nextSchema()
      const { status, body } = await ask({
        ...plainChat('Tell me about a city, with its name, its age and its tags.'),
        temperature: 1.2,
        seed: index,
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
      })
      const text = body.choices?.[0].message.content
      try {
        if (ajv.validate(schema, JSON.parse(text))) return
      } catch {}
      wrong.push({ index, status, schema, text, body: JSON.stringify(body).slice(0, 500) })
    }
    let next = 0
    const work = async () => {
      while (next < numSchemas) await answerOne(next++)
    }
    await Promise.all(Array.from({ length: numAtOnce }, work))
    expect(wrong).toEqual([])
  })

  const tools = [
    tool('get_weather', {
      type: 'object',
      properties: { city: { type: 'string', maxLength: 20 }, unit: { enum: ['C', 'F'] } },
      required: ['city', 'unit'],
    }),
    tool('add', {
      type: 'object',
      properties: { a: { type: 'integer' }, b: { type: 'integer' } },
      required: ['a', 'b'],
      additionalProperties: false,
    }),
  ]
  const ajv = new Ajv2020({ strict: false })
  type Call = { readonly function: { readonly name: string; readonly arguments: string } }
  const areValid = (calls: readonly Call[]) =>
    calls.every(({ function: { name, arguments: text } }) => {
      const called = tools.find((one) => one.function.name === name)
      return called && ajv.validate(called.function.parameters, JSON.parse(text))
    })

  it('calls a tool where one is required, though nothing asks for it', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map((seed) =>
        ask({ ...plainChat('Hello!'), tools, tool_choice: 'required', seed, temperature: 1 }),
      ),
    )
    for (const { body } of answers) {
      const [{ message, finish_reason: reason }] = body.choices
      expect(message.tool_calls?.length).toBeGreaterThan(0)
      expect(reason).toBe('tool_calls')
      expect(areValid(message.tool_calls)).toBe(true)
    }
  })

  it('calls the tool that is named, once', async () => {
    const { body } = await ask({
      ...plainChat('What is the weather in Oslo?'),
      tools,
      tool_choice: { type: 'function', function: { name: 'add' } },
    })
    const [{ message, finish_reason: reason }] = body.choices
    expect(message.tool_calls.map((call: Call) => call.function.name)).toEqual(['add'])
    expect(areValid(message.tool_calls)).toBe(true)
    expect(reason).toBe('stop')
  })

  it('thinks first, where it thinks, and answers in the form then', async () => {
    const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] }
    const { body } = await ask({
      messages: [{ role: 'user', content: 'What is 12 + 30?' }],
      chat_template_kwargs: { enable_thinking: true },
      max_tokens: 600,
      temperature: 0,
      response_format: { type: 'json_schema', json_schema: { name: 'sum', schema } },
    })
    const { message } = body.choices[0]
    expect(message.reasoning).toMatch(/\d/)
    expect(ajv.validate(schema, JSON.parse(message.content))).toBe(true)
  })

  it('keeps to a choice, an expression, a grammar and plain JSON', async () => {
    expect(['red', 'green']).toContain(await held({ choice: ['red', 'green'] }))
    expect(await held({ regex: '[A-C]{3}-\\d{4}' })).toMatch(/^[A-C]{3}-\d{4}$/)
    expect(await held({ grammar: 'root ::= "I am " [a-z]{3,8} "."' })).toMatch(
      /^I am [a-z]{3,8}\.$/,
    )
    const schema = { type: 'object', properties: { open: { type: 'boolean' } } }
    const object = await held({ json: JSON.stringify(schema), disable_any_whitespace: true })
    expect(JSON.parse(object)).toBeTypeOf('object')
  })
})
