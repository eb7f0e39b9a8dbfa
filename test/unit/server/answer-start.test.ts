import { describe, expect, test } from 'vitest'
import { createGrammars } from '../../../src/grammar/grammars.ts'
import { parseOutput } from '../../../src/parsers/index.ts'
import { readThinking, type AnswerStartOptions } from '../../../src/server/answer-start.ts'
import { connectHere } from '../grammar/toy-grammars.ts'
import { allowedIds } from '../grammar/toy-vocabulary.ts'
import { markerId, markerTokenizer, markerVocabSize } from './marker-tokenizer.ts'

const tokenizer = markerTokenizer
const vocabSize = markerVocabSize
const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
const stops = [markerId('<|return|>'), markerId('<|call|>')]
const grammars = createGrammars({ tokenizer, vocabSize, stopTokenIds: stops, connect: connectHere })

const read = (changes: Partial<AnswerStartOptions>) =>
  readThinking({
    reasoningParser: 'openai_gptoss',
    tokenizer,
    prompt: '<|start|>user<|message|>hi<|end|><|start|>assistant',
    kwargs: {},
    stopTokenIds: stops,
    callsTools: false,
    ...changes,
  })

/** Which of the output's tokens the constraint lets through, up to the first that it does not. */
const follow = async (output: string, choices: readonly string[]): Promise<string> => {
  const compiled = await grammars.compile({ kind: 'choice', choices })
  const mask = compiled.createTokenMask({ thinking: read({}) })
  const ids = encode(output)
  for (const [at, id] of ids.entries()) {
    if (!allowedIds(await mask(ids.slice(0, at)), vocabSize).includes(id)) {
      return tokenizer.decode(ids.slice(0, at))
    }
  }
  return output
}

describe('an answer in messages', () => {
  const analysis = '<|channel|>analysis<|message|>Say red? No.<|end|>'
  const final = '<|start|>assistant<|channel|>final<|message|>'

  test.each([
    ['behind the thinking', analysis + final],
    ['behind two thoughts', analysis + '<|start|>assistant' + analysis + final],
    ['behind a preamble', '<|channel|>commentary<|message|>I will.<|end|>' + final],
    ['alone', '<|channel|>final<|message|>'],
    ['with its type', `${analysis}<|start|>assistant<|channel|>final <|constrain|>json<|message|>`],
  ])('begins %s', async (_, before) => {
    const output = `${before}green<|return|>`
    expect(await follow(output, ['red', 'green'])).toBe(output)
    expect(await follow(`${before}blue`, ['red', 'green'])).toBe(before)
    expect(await follow(`${before}red.`, ['red', 'green'])).toBe(`${before}red`)
    expect(parseOutput(output, { reasoningParser: 'openai_gptoss' }).content).toContain('green')
  })

  test('does not begin in what thinking says of it', async () => {
    const before = '<|channel|>analysis<|message|>a channel, final, and a message'
    expect(await follow(`${before}: blue`, ['red'])).toBe(`${before}: blue`)
  })

  test('does not end in front of its beginning', async () => {
    for (const before of ['', analysis, analysis + '<|start|>assistant<|channel|>']) {
      expect(await follow(`${before}<|return|>`, ['red'])).toBe(before)
      expect(await follow(`${before}<|call|>`, ['red'])).toBe(before)
    }
  })

  test('begins behind the header of the answer, whatever the prompt and the variables', () => {
    const thinking = {
      begins: 'thinking',
      startId: null,
      ends: [
        '<|channel|>final<|message|>',
        '<|channel|>final<|constrain|>json<|message|>',
        '<|channel|>final <|constrain|>json<|message|>',
      ],
      endedBy: [],
      forbiddenIds: stops,
    }
    expect(read({})).toEqual(thinking)
    expect(read({ callsTools: true, kwargs: { reasoning_effort: 'low' } })).toEqual(thinking)
    expect(read({ prompt: '<|start|>assistant<|channel|>analysis<|message|>' })).toEqual(thinking)
  })

  test('goes on where the prompt has begun it', () => {
    expect(read({ prompt: '<|start|>assistant<|channel|>final<|message|>It' })).toBeNull()
  })

  test.each([
    ['muse_glimmer', ' to=user<|message|>'],
    ['inkling', '<|content_text|>'],
  ])('of %s', (reasoningParser, header) => {
    expect(read({ reasoningParser })?.ends).toEqual([header])
  })
})

const asks = (reasoningParser: string, changes: Partial<AnswerStartOptions> = {}) =>
  read({ reasoningParser, prompt: '', ...changes })

describe('an answer behind tags', () => {
  test('may begin with thinking, unless the prompt has decided', () => {
    const startId = markerId('<think>')
    expect(asks('qwen3')).toMatchObject({ begins: 'either', startId, ends: ['</think>'] })
    expect(asks('qwen3', { prompt: '<think>\n' })?.begins).toBe('thinking')
    expect(asks('qwen3', { prompt: '<think>\n\n</think>\n' })).toBeNull()
    expect(asks('deepseek_r1')?.begins).toBe('thinking')
  })

  test('begins at once where thinking is off, or can not be told from it', () => {
    expect(asks('qwen3', { kwargs: { enable_thinking: false } })).toBeNull()
    expect(asks('seed_oss')).toBeNull()
    expect(read({ reasoningParser: null })).toBeNull()
  })

  test('begins with a call where calls are wanted, which else can not end the thinking', () => {
    const call = markerId('<tool_call>')
    expect(asks('qwen3')).toMatchObject({ endedBy: [], forbiddenIds: [...stops, call] })
    expect(asks('qwen3', { callsTools: true })).toMatchObject({
      endedBy: ['<tool_call>'],
      forbiddenIds: stops,
    })
  })
})
