import { describe, expect, test } from 'vitest'
import { collectOutput, createOutputParser } from '../../../src/parsers/index.ts'

const markers = ['<|start|>', '<|channel|>', '<|constrain|>', '<|message|>', '<|end|>', '<|call|>']
const addedTokens = new Map(markers.map((text, index) => [text, { id: index + 1 }]))

const create = () =>
  createOutputParser({
    toolParser: 'openai',
    reasoningParser: 'openai_gptoss',
    specialTokens: markers,
    addedTokens,
    promptTail: '<|start|>user<|message|>hi<|end|><|start|>assistant',
  })

/** Pieces as tokens: those that are markers have their ids, the others are ordinary. */
const read = (...pieces: string[]) => {
  const parser = create()
  const deltas = pieces.flatMap((text) => parser.push(text, [addedTokens.get(text)?.id ?? 99]))
  return { ...collectOutput([...deltas, ...parser.finish('stop')], 'stop'), deltas }
}

const analysis = ['<|channel|>', 'analysis', '<|message|>']
const final = ['<|start|>', 'assistant', '<|channel|>', 'final', '<|message|>']

describe('messages by token', () => {
  test('have markers that are tokens', () => {
    expect(read(...analysis, 'One.', '<|end|>', ...final, 'Two.')).toMatchObject({
      reasoning: 'One.',
      content: 'Two.',
    })
  })

  test('hold spelled markers as text', () => {
    const spelled = 'Write <|channel|>final<|message|> and <|end|>.'
    expect(read(...analysis, 'One.', '<|end|>', ...final, spelled)).toMatchObject({
      reasoning: 'One.',
      content: spelled,
    })
    expect(read(...analysis, spelled).reasoning).toBe(spelled)
  })

  test('have calls with spelled markers in their arguments', () => {
    const header = ['<|channel|>', 'commentary to=functions.f ', '<|constrain|>', 'json']
    const text = '{"t": "<|end|><|start|>"}'
    expect(read(...header, '<|message|>', text, '<|call|>').toolCalls).toMatchObject([
      { name: 'f', arguments: text },
    ])
  })
})

describe('streaming', () => {
  test('sends bodies as they come', () => {
    const { deltas } = read(...analysis, 'One', ' and', ' two.', '<|end|>', ...final, 'A', 'B')
    expect(deltas).toEqual([
      { reasoning: 'One' },
      { reasoning: ' and' },
      { reasoning: ' two.' },
      { content: 'A' },
      { content: 'B' },
    ])
  })

  test('sends text that is no message once it is too long for a header', () => {
    const { deltas } = read(...Array.from({ length: 60 }, () => 'word '))
    expect(deltas.length).toBeGreaterThan(15)
    expect(deltas[0]?.content?.length).toBeGreaterThan(200)
  })

  test('sends arguments as they come, behind the name', () => {
    const header = ['<|channel|>', 'commentary', ' to=functions.f', '<|message|>']
    const { deltas } = read(...header, '{"city": "O', 'sl', 'o"}', '<|call|>')
    const pieces = deltas.map(({ toolCall }) => toolCall?.name ?? toolCall?.arguments)
    expect(pieces[0]).toBe('f')
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.slice(1).join('')).toBe('{"city": "Oslo"}')
  })
})
