import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { createTestServer, eos } from './fixtures.ts'

const call = '{"name": "weather", "arguments": {"city": "Oslo"}}'
const piece = fc.constantFrom(
  '<think>',
  '</think>',
  '<tool_call>',
  '</tool_call>',
  call,
  '{"name": "weather", ',
  '"arguments": {}}',
  'a',
  ' b',
  '<',
  'EN',
  'D',
  '\n',
  '☹',
)
const outputs = fc.array(fc.array(piece, { minLength: 1, maxLength: 4 }), { maxLength: 8 })

type ToolCall = { index: number; function: { name?: string; arguments?: string } }
type Delta = { content?: string; reasoning?: string; tool_calls?: ToolCall[] }

const collect = (frames: string) => {
  let content = ''
  let reasoning = ''
  let finishReason: unknown = null
  const calls: { name: string; arguments: string }[] = []
  const logprobs: unknown[] = []
  for (const [, json = ''] of frames.matchAll(/^data: (\{.*)$/gm)) {
    const [choice] = JSON.parse(json).choices
    const delta: Delta = choice.delta
    logprobs.push(...(choice.logprobs?.content ?? []))
    content += delta.content ?? ''
    reasoning += delta.reasoning ?? ''
    finishReason = choice.finish_reason ?? finishReason
    for (const { index, function: part } of delta.tool_calls ?? []) {
      const known = (calls[index] ??= { name: '', arguments: '' })
      known.name += part.name ?? ''
      known.arguments += part.arguments ?? ''
    }
  }
  return { content, reasoning, calls, logprobs, finishReason }
}

const body = { logprobs: true, top_logprobs: 2 }

const answer = async (pieces: string[][], stream: boolean) => {
  const server = createTestServer({
    scripts: [{ pieces: [...pieces, [eos]] }],
    model: { toolParser: 'hermes', reasoningParser: 'qwen3' },
  })
  const tools = [{ type: 'function', function: { name: 'weather' } }]
  return (await server.chat({ ...body, stream, tools, stop: ['END', '<<'] })).text()
}

it('a stream adds up to the whole reply, however the engine groups the tokens', async () => {
  await fc.assert(
    fc.asyncProperty(outputs, async (pieces) => {
      const streamed = collect(await answer(pieces, true))
      const [{ message, logprobs, finish_reason }] = JSON.parse(
        await answer([pieces.flat()], false),
      ).choices
      const calls: { function: object }[] = message.tool_calls ?? []
      expect(streamed.calls).toEqual(calls.map((made) => made.function))
      expect(streamed.reasoning).toBe(message.reasoning ?? '')
      expect(message.content === null ? streamed.content.trim() : streamed.content).toBe(
        message.content ?? '',
      )
      expect(streamed.finishReason).toBe(finish_reason)
      expect(streamed.logprobs).toEqual(logprobs.content)
    }),
    { numRuns: 120 },
  )
})

const completion = async (pieces: string[][], stream: boolean) => {
  const server = createTestServer({ scripts: [{ pieces: [...pieces, [eos]] }] })
  return (
    await server.complete({ stream, echo: true, logprobs: 1, stop: ['END', '<<'], max_tokens: 99 })
  ).text()
}

it('a streamed completion adds up to the whole one, log probabilities too', async () => {
  await fc.assert(
    fc.asyncProperty(outputs, async (pieces) => {
      const [whole] = JSON.parse(await completion([pieces.flat()], false)).choices
      const streamed: Record<string, unknown[]> = {}
      let text = ''
      for (const [, json = ''] of (await completion(pieces, true)).matchAll(/^data: (\{.*)$/gm)) {
        const [choice] = JSON.parse(json).choices
        text += choice.text
        const told: Record<string, unknown[]> = choice.logprobs
        for (const [key, values] of Object.entries(told)) (streamed[key] ??= []).push(...values)
      }
      expect(text).toBe(whole.text)
      expect(streamed).toEqual(whole.logprobs)
    }),
    { numRuns: 50 },
  )
})
