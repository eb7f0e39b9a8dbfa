import { describe, expect, it, test } from 'vitest'
import type { GenerationRequest } from '../../../src/engine/generation.ts'
import { createOutputParser, parseOutput } from '../../../src/parsers/output-parser.ts'
import { findReasoningFormat } from '../../../src/parsers/registry.ts'
import { forcedEndOf } from '../../../src/parsers/reasoning-formats.ts'
import { createThinkingMask } from '../../../src/server/thinking-budget.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { createTestServer, readStarterJson, refusal } from './fixtures.ts'

const tokenizer = loadTokenizer({
  tokenizerJson: readStarterJson('tokenizer.json'),
  tokenizerConfig: readStarterJson('tokenizer_config.json'),
})
const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })

type Given = {
  readonly reasoningParser: string
  readonly promptTail?: string
  readonly kwargs?: Readonly<Record<string, unknown>>
}

/** The mask for one answer, as the chat route makes it. */
const maskFor = ({ reasoningParser, promptTail = '', kwargs = {} }: Given, numTokens: number) => {
  const endIds = encode(forcedEndOf(findReasoningFormat(reasoningParser)))
  const parser = createOutputParser({ reasoningParser, promptTail, chatTemplateKwargs: kwargs })
  return {
    ...createThinkingMask({ tokenizer, vocabSize: 4096, numTokens, endIds }, parser),
    endIds,
  }
}

const onlyBit = (mask: Uint32Array): number => {
  const word = mask.findIndex((bits) => bits !== 0)
  const bits = mask[word] ?? 0
  const isOne = (bits & (bits - 1)) === 0 && mask.every((other, at) => at === word || other === 0)
  if (!isOne) throw new Error('more than one token is allowed')
  return word * 32 + (31 - Math.clz32(bits))
}

/**
 * What a model comes to that says `thinking` and, once its thinking is over, `answer`. Checks that
 * the mask is there only where it is not announced to be absent.
 */
const generate = async (given: Given, numTokens: number, thinking: string, answer: string) => {
  const { tokenMask, numUnmasked, endIds } = maskFor(given, numTokens)
  const script = encode(thinking)
  const output: number[] = []
  let numForced = 0
  let mostUnmasked = 0
  for (let at = 0; at < script.length && numForced < endIds.length;) {
    const free = numUnmasked(output)
    mostUnmasked = Math.max(mostUnmasked, free)
    const mask = free > 0 ? null : await tokenMask(output)
    if (mask) numForced += 1
    output.push(mask ? onlyBit(mask) : (script[at++] ?? 0))
  }
  const ending = encode(answer)
  for (const id of ending) {
    if (numUnmasked(output) === 0 && (await tokenMask(output)) !== null)
      throw new Error('masked content')
    output.push(id)
  }
  const { reasoningParser, promptTail = '', kwargs = {} } = given
  const options = { reasoningParser, promptTail, chatTemplateKwargs: kwargs }
  const parsed = parseOutput(tokenizer.decode(output), options)
  return {
    ...parsed,
    numForced,
    mostUnmasked,
    numThought: output.length - ending.length - numForced,
  }
}

const long = 'Let me add the numbers one by one: three and four is seven, and two is nine.'
const numLong = encode(long).length

describe('thinking beyond its budget', () => {
  test.each<readonly [string, Given, string]>([
    ['opened by the prompt', { reasoningParser: 'qwen3', promptTail: '<think>\n' }, ''],
    ['opened by the model', { reasoningParser: 'qwen3' }, '<think>'],
    ['assumed from the start', { reasoningParser: 'deepseek_r1' }, ''],
    ['opened where it is assumed', { reasoningParser: 'deepseek_r1' }, '<think>'],
    ['in formats of many blocks', { reasoningParser: 'glm45' }, '<think>'],
  ])('ends after as many tokens, %s', async (_, given, opening) => {
    const { reasoning, content, numForced, numThought } = await generate(
      given,
      8,
      opening + long,
      'It is 9.',
    )
    expect(numForced).toBe(1)
    expect(numThought).toBe(8 + (opening === '' ? 0 : 1))
    expect(reasoning).toBe(tokenizer.decode(encode(long).slice(0, 8)).trimEnd())
    expect(content).toBe('It is 9.')
  })

  test('ends with markers of many tokens', async () => {
    const given = { reasoningParser: 'granite' }
    const opening = 'Here is my thought process:'
    const found = await generate(given, 8, opening + long, ' It is 9.')
    expect(found.numForced).toBe(encode('Here is my response:').length)
    expect(found.numForced).toBeGreaterThan(2)
    expect(found.reasoning).not.toBe('')
    expect(`${opening}${long}`).toContain(found.reasoning)
    expect(found.content).toBe(' It is 9.')
  })

  test('ends messages up to the header of the answer', async () => {
    const given = {
      reasoningParser: 'openai_gptoss',
      promptTail: '<|start|>user<|message|>3 + 4 + 2?<|end|><|start|>assistant',
    }
    const opening = '<|channel|>analysis<|message|>'
    const { reasoning, content, numForced } = await generate(given, 8, opening + long, 'It is 9.')
    expect(numForced).toBeGreaterThan(3)
    expect(long).toContain(reasoning)
    expect(content).toBe('It is 9.')
  })

  test('of nothing is none at all', async () => {
    const prompt = { reasoningParser: 'qwen3', promptTail: '<think>\n' }
    expect(await generate(prompt, 0, long, 'It is 9.')).toMatchObject({
      reasoning: null,
      content: 'It is 9.',
      numThought: 0,
    })
    expect(
      await generate({ reasoningParser: 'qwen3' }, 0, `<think>${long}`, 'It is 9.'),
    ).toMatchObject({
      reasoning: null,
      content: 'It is 9.',
      numThought: 1,
    })
  })

  test('counts all blocks together', async () => {
    const twice = `<think>${long}</think>One moment. <think>${long}`
    const { numThought, reasoning } = await generate(
      { reasoningParser: 'glm45' },
      numLong + 4,
      twice,
      '9',
    )
    expect(numThought).toBe(encode(twice).length - numLong + 4)
    expect(reasoning?.startsWith(`${long}Let me`)).toBe(true)
  })
})

describe('thinking within its budget', () => {
  test('is left alone, and the answer runs ahead', async () => {
    const given = { reasoningParser: 'qwen3', promptTail: '<think>\n' }
    const found = await generate(given, numLong + 1, `${long}</think>It is`, ' 9.')
    expect(found).toMatchObject({ reasoning: long, content: 'It is 9.', numForced: 0 })
    expect(found.mostUnmasked).toBe(Number.POSITIVE_INFINITY)
  })

  test('runs ahead up to its budget', () => {
    const { numUnmasked } = maskFor({ reasoningParser: 'qwen3', promptTail: '<think>\n' }, 20)
    const ids = encode(long)
    expect([0, 5, 10].map((length) => numUnmasked(ids.slice(0, length)))).toEqual([20, 15, 10])
  })

  test('that is switched off is never forced to end', async () => {
    const given = { reasoningParser: 'qwen3', kwargs: { enable_thinking: false } }
    expect(await generate(given, 0, `<think>${long}`, '!')).toMatchObject({ numForced: 0 })
  })
})

const requestOf = async (body: Record<string, unknown>): Promise<GenerationRequest | undefined> => {
  const server = createTestServer({
    scripts: [{ pieces: ['a'] }, { pieces: ['b'] }],
    model: { reasoningParser: 'qwen3' },
  })
  const response = await server.chat(body)
  expect(response.status).toBe(200)
  await response.text()
  return server.engine.requests[0]
}

describe('the field', () => {
  it('masks each choice by itself', async () => {
    const server = createTestServer({
      scripts: [{ pieces: ['a'] }, { pieces: ['b'] }],
      model: { reasoningParser: 'qwen3' },
    })
    await (await server.chat({ thinking_token_budget: 3, n: 2, temperature: 1 })).text()
    const [first, second] = server.engine.requests
    expect(first?.tokenMask).toBeTypeOf('function')
    expect(first?.numUnmasked?.([])).toBe(4)
    expect(second?.tokenMask).not.toBe(first?.tokenMask)
  })

  it.each([{}, { thinking_token_budget: -1 }, { thinking_token_budget: null }])(
    'asks for nothing in %j',
    async (body) => {
      expect(await requestOf(body)).not.toHaveProperty('tokenMask')
    },
  )

  it('needs a reasoning parser', async () => {
    const error = await refusal(createTestServer().chat, { thinking_token_budget: 5 })
    expect(error).toMatchObject({ code: 400, param: 'thinking_token_budget' })
    expect(error.message).toBe(
      'thinking_token_budget is set but reasoning_config is not configured. Please set ' +
        '--reasoning-parser and/or --reasoning-config to use thinking_token_budget.',
    )
  })

  it.each([
    [{ thinking_token_budget: -2 }, 'thinking_token_budget'],
    [{ thinking_token_budget: 1.5 }, 'thinking_token_budget'],
    [{ thinking_token_budget: 2, use_beam_search: true }, 'beam search'],
    [{ thinking_token_budget: 2, allowed_token_ids: [0] }, 'allowed_token_ids'],
    [{ thinking_token_budget: 2, bad_words: ['<'] }, 'bad_words'],
  ])('%j is refused', async (body, words) => {
    const server = createTestServer({ model: { reasoningParser: 'qwen3' } })
    const error = await refusal(server.chat, body)
    expect(error.code).toBe(400)
    expect(`${error.message} ${error.param}`).toContain(words)
  })
})
