import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai'
import OpenAI from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createEngine, type Engine } from '../../src/index.ts'

// Clients as they come from npm, told nothing but where the engine is: the real one, in its worker.

let engine: Engine
beforeAll(async () => {
  engine = await createEngine({ model: '/starter-model/' })
})
afterAll(() => engine?.dispose())

const city = z.object({ city: z.string().describe('Name of the city') })
const sunny = (asked: string[]) => (input: { city: string }) => {
  asked.push(input.city)
  return { city: input.city, temperature_c: 23, condition: 'sunny' }
}
const report = z.object({ condition: z.enum(['sunny', 'rainy']), warm: z.boolean() })
const question = "What's the weather in Lisbon?"

const connectOpenAI = () =>
  new OpenAI({
    baseURL: engine.baseURL,
    apiKey: 'none',
    fetch: engine.fetch,
    dangerouslyAllowBrowser: true,
  })

describe('openai', () => {
  it('runs tools until there is an answer', async () => {
    const asked: string[] = []
    const runner = connectOpenAI().chat.completions.runTools({
      model: engine.model,
      temperature: 0,
      max_tokens: 200,
      stream: true,
      messages: [{ role: 'user', content: question }],
      tools: [
        zodFunction({
          name: 'get_weather',
          description: 'Current weather in a city.',
          parameters: city,
          function: sunny(asked),
        }),
      ],
    })
    expect(await runner.finalContent()).toContain('23')
    expect(asked).toEqual(['Lisbon'])
  })

  it('parses an answer by its schema', async () => {
    const { choices } = await connectOpenAI().chat.completions.parse({
      model: engine.model,
      temperature: 0,
      max_tokens: 200,
      messages: [{ role: 'user', content: question }],
      response_format: zodResponseFormat(report, 'report'),
    })
    expect(report.parse(choices[0]?.message.parsed)).toBeDefined()
    expect(choices[0]?.finish_reason).toBe('stop')
  })

  it('streams several chats at once, each with its own answer', async () => {
    const client = connectOpenAI()
    const answers = await Promise.all(
      ['Hello!', 'What is 27 + 45?'].map((content) =>
        client.chat.completions
          .stream({
            model: engine.model,
            temperature: 0,
            max_tokens: 200,
            messages: [{ role: 'user', content }],
          })
          .finalContent(),
      ),
    )
    expect(answers[0]).toMatch(/hello|hi/i)
    expect(answers[1]).toContain('72')
  })
})

const connectProvider = () => {
  const provider = createOpenAICompatible({
    name: 'quire',
    baseURL: engine.baseURL,
    fetch: engine.fetch,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  return { model: provider(engine.model), temperature: 0, maxOutputTokens: 200, maxRetries: 0 }
}

describe('ai', () => {
  it('generates text in several steps with a tool', async () => {
    const asked: string[] = []
    const weather = tool({
      description: 'Current weather in a city.',
      inputSchema: city,
      execute: sunny(asked),
    })
    const { text, steps, usage } = await generateText({
      ...connectProvider(),
      prompt: question,
      tools: { get_weather: weather },
      stopWhen: stepCountIs(3),
    })
    expect(asked).toEqual(['Lisbon'])
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop'])
    expect(text).toContain('23')
    expect(usage.outputTokens).toBeGreaterThan(5)
  })

  it('generates an object by its schema', async () => {
    const { object } = await generateObject({
      ...connectProvider(),
      prompt: question,
      schema: report,
    })
    expect(report.parse(object)).toEqual(object)
  })

  it('calls the tool that it must', async () => {
    const weather = tool({
      description: 'Current weather in a city.',
      inputSchema: city,
      execute: sunny([]),
    })
    const { toolCalls } = await generateText({
      ...connectProvider(),
      prompt: 'Hello!',
      tools: { get_weather: weather },
      toolChoice: 'required',
    })
    expect(toolCalls[0]?.toolName).toBe('get_weather')
    expect(city.parse(toolCalls[0]?.input)).toBeDefined()
  })

  it('streams reasoning apart from text', async () => {
    const result = streamText({ ...connectProvider(), prompt: 'What is 27 + 45?' })
    const told = { 'reasoning-delta': '', 'text-delta': '' }
    for await (const part of result.fullStream) {
      if (part.type === 'reasoning-delta' || part.type === 'text-delta')
        told[part.type] += part.text
    }
    expect(told['reasoning-delta']).toContain('72')
    expect(told['text-delta']).toContain('72')
    const { outputTokenDetails } = await result.usage
    expect(outputTokenDetails.reasoningTokens).toBeGreaterThan(3)
  })
})
