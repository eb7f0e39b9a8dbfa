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
  for (const [, json = ''] of frames.matchAll(/^data: (\{.*)$/gm)) {
    const [choice] = JSON.parse(json).choices
    const delta: Delta = choice.delta
    content += delta.content ?? ''
    reasoning += delta.reasoning ?? ''
    finishReason = choice.finish_reason ?? finishReason
    for (const { index, function: part } of delta.tool_calls ?? []) {
      const known = (calls[index] ??= { name: '', arguments: '' })
      known.name += part.name ?? ''
      known.arguments += part.arguments ?? ''
    }
  }
  return { content, reasoning, calls, finishReason }
}

const answer = async (pieces: string[][], stream: boolean) => {
  const server = createTestServer({
    scripts: [{ pieces: [...pieces, [eos]] }],
    model: { toolParser: 'hermes', reasoningParser: 'qwen3' },
  })
  const tools = [{ type: 'function', function: { name: 'weather' } }]
  return (await server.chat({ stream, tools, stop: ['END', '<<'] })).text()
}

it('a stream adds up to the whole reply, however the engine groups the tokens', async () => {
  await fc.assert(
    fc.asyncProperty(outputs, async (pieces) => {
      const streamed = collect(await answer(pieces, true))
      const [{ message, finish_reason }] = JSON.parse(await answer([pieces.flat()], false)).choices
      const calls: { function: object }[] = message.tool_calls ?? []
      expect(streamed.calls).toEqual(calls.map((made) => made.function))
      expect(streamed.reasoning).toBe(message.reasoning ?? '')
      expect(message.content === null ? streamed.content.trim() : streamed.content).toBe(
        message.content ?? '',
      )
      expect(streamed.finishReason).toBe(finish_reason)
    }),
    { numRuns: 150 },
  )
})
