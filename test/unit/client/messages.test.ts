import { describe, expect, it } from 'vitest'
import { assistantMessage, toolMessage } from '../../../src/client/messages.ts'

describe('assistantMessage', () => {
  it('holds what was said', () => {
    expect(assistantMessage({ content: 'Hi', reasoning: 'Greet.' })).toEqual({
      role: 'assistant',
      content: 'Hi',
      reasoning: 'Greet.',
    })
    expect(assistantMessage({ refusal: 'No.' })).toEqual({
      role: 'assistant',
      content: '',
      refusal: 'No.',
    })
  })

  it('has no content beside calls unless there is some', () => {
    const toolCalls = [{ id: 'a', name: 'f', arguments: '{}' }]
    const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }]
    const role = 'assistant'
    expect(assistantMessage({ toolCalls })).toEqual({ role, content: null, tool_calls: calls })
    expect(assistantMessage({ content: 'Look:', toolCalls })).toEqual({
      role,
      content: 'Look:',
      tool_calls: calls,
    })
  })
})

describe('toolMessage', () => {
  it.each([
    ['text', 'text'],
    [{ a: [1] }, '{"a":[1]}'],
    [3, '3'],
    [undefined, 'null'],
  ])('tells %j', (result, content) => {
    expect(toolMessage({ id: 'a' }, result)).toEqual({ role: 'tool', tool_call_id: 'a', content })
  })
})
