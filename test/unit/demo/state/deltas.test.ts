import { describe, expect, it } from 'vitest'
import { addDelta, giveUp, type Draft } from '../../../../demo/state/deltas.ts'
import { emptyRound } from '../../../../demo/state/messages.ts'

const draft = (): Draft => ({ ...emptyRound })

describe('addDelta', () => {
  it('collects thoughts, then content, and stops the clock between them', () => {
    const round = draft()
    const thought = { reasoning: '7 + 8', reasoning_content: '7 + 8' }
    expect(addDelta(round, { role: 'assistant', content: '' }, 0)).toBe(false)
    expect(addDelta(round, thought, 10)).toBe(true)
    addDelta(round, { reasoning_content: ' = 15' }, 20)
    expect(round.reasoningMs).toBeNull()
    addDelta(round, { content: 'It is ' }, 30)
    addDelta(round, { content: '15.' }, 40)
    expect(round).toMatchObject({ reasoning: '7 + 8 = 15', reasoningMs: 30, content: 'It is 15.' })
  })

  it('keeps no time for an answer without thoughts', () => {
    const round = draft()
    addDelta(round, { content: 'Hello' }, 30)
    expect(round.reasoningMs).toBeNull()
  })

  it('puts the pieces of two calls together', () => {
    const round = draft()
    const piece = (index: number, text: string, name?: string) =>
      addDelta(
        round,
        {
          tool_calls: [
            {
              index,
              ...(name && { id: `id-${index}`, type: 'function' }),
              function: { arguments: text, ...(name && { name }) },
            },
          ],
        },
        0,
      )
    piece(0, '', 'calculator')
    piece(0, '{"expression":')
    piece(0, '"1+1"}')
    piece(1, '{}', 'get_weather')
    expect(round.toolCalls).toMatchObject([
      { id: 'id-0', name: 'calculator', arguments: '{"expression":"1+1"}', status: 'writing' },
      { id: 'id-1', name: 'get_weather', arguments: '{}' },
    ])
  })
})

describe('giveUp', () => {
  const call = { id: 'c', name: 'calculator', arguments: '{}', result: '' }

  it('drops half-written calls and gives running ones a result', () => {
    const round: Draft = {
      ...emptyRound,
      toolCalls: [
        { ...call, status: 'done', result: '{"result":2}' },
        { ...call, status: 'running' },
        { ...call, status: 'writing' },
      ],
    }
    giveUp(round)
    expect(round.toolCalls.map(({ status, result }) => [status, result])).toEqual([
      ['done', '{"result":2}'],
      ['failed', '{"error":"Stopped by the user."}'],
    ])
  })
})
