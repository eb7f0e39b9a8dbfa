import { describe, expect, it } from 'vitest'
import { createOutputParser } from '../../../src/parsers/output-parser.ts'
import { createReasoningCounter } from '../../../src/server/reasoning-counter.ts'
import { createTinyTokenizer } from './fixtures.ts'

const markers = ['<|start|>', '<|channel|>', '<|message|>', '<|end|>', '<think>', '</think>']

const create = (reasoningParser: string, promptTail = '') => {
  const tokenizer = {
    ...createTinyTokenizer(),
    addedTokens: new Map(markers.map((text, id) => [text, { id, special: true }])),
  }
  const parser = createOutputParser({ reasoningParser, promptTail })
  return createReasoningCounter(parser, reasoningParser, tokenizer)
}

/** One token a piece. */
const count = (counter: ReturnType<typeof create>, ...pieces: string[]) => {
  for (const [index, text] of pieces.entries()) counter?.push(text, [index])
  counter?.finish('stop')
  return counter?.numReasoningTokens()
}

describe('reasoning tokens', () => {
  it('stand between the markers', () => {
    const pieces = ['<think>', '\n', 'One', ' two', '.', '</think>', '\n', 'Three']
    expect(count(create('qwen3'), ...pieces)).toBe(4)
    expect(count(create('qwen3', '<think>'), ...pieces.slice(1))).toBe(4)
    expect(count(create('deepseek_r1'), ...pieces)).toBe(4)
  })

  it('are none without text, and none in the answer', () => {
    expect(count(create('qwen3'), '<think>', '\n\n', '</think>', 'One')).toBe(0)
    expect(count(create('qwen3'), 'One', ' two')).toBe(0)
  })

  it('of all blocks count, also of one that never ends', () => {
    const blocks = ['<think>', 'One', '</think>', 'Two', '<think>', 'Three', ' four']
    expect(count(create('glm45'), ...blocks)).toBe(3)
  })

  it('count in messages too', () => {
    const analysis = ['<|channel|>', 'analysis', '<|message|>', 'One', ' two', '<|end|>']
    const final = ['<|start|>', 'assistant', '<|channel|>', 'final', '<|message|>', 'Three']
    expect(count(create('openai_gptoss'), ...analysis, ...final)).toBe(2)
  })

  it('are not counted where ordinary tokens spell the markers', () => {
    expect(create('granite')).toBeNull()
  })
})
