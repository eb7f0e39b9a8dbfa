import { describe, expect, it } from 'vitest'
import {
  answerText,
  emptyRound,
  toRequestMessages,
  type AssistantMessage,
} from '../../../../demo/state/messages.ts'

const answer: AssistantMessage = {
  id: 'a',
  role: 'assistant',
  status: 'done',
  note: null,
  speed: null,
  rounds: [
    {
      reasoning: 'secret thoughts',
      reasoningMs: 10,
      content: '',
      toolCalls: [
        {
          id: 'c1',
          name: 'calculator',
          arguments: '{"expression":"1+1"}',
          status: 'done',
          result: '2',
        },
        { id: 'c2', name: 'nothing', arguments: '{}', status: 'failed', result: '{"error":"no"}' },
      ],
    },
    { ...emptyRound, content: 'It is 2.' },
  ],
}

describe('toRequestMessages', () => {
  it('sends each call with its result and no thoughts', () => {
    const messages = toRequestMessages([{ id: 'u', role: 'user', text: 'Sum?' }, answer])
    expect(messages.map((message) => message.role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'assistant',
    ])
    expect(messages[1]).toMatchObject({
      content: null,
      tool_calls: [{ id: 'c1', function: { name: 'calculator' } }, { id: 'c2' }],
    })
    expect(messages[3]).toEqual({ role: 'tool', tool_call_id: 'c2', content: '{"error":"no"}' })
    expect(JSON.stringify(messages)).not.toContain('secret')
  })

  it('leaves out an answer that has nothing yet', () => {
    const waiting: AssistantMessage = { ...answer, status: 'waiting', rounds: [emptyRound] }
    expect(toRequestMessages([waiting])).toEqual([])
  })
})

describe('answerText', () => {
  it('is what was said, without thoughts and calls', () => {
    expect(answerText(answer)).toBe('It is 2.')
  })
})
