import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import { createOutputParser, parseOutput } from '../../src/parsers/output-parser.ts'
import { createThinkingMask } from '../../src/server/thinking-budget.ts'
import { loadChatTemplate, type ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { createTestEngine, repositorySource } from './test-engine.ts'

const path = 'demo/public/starter-model'
const question = 'What is 345 + 278?'

let engine: GenerationEngine
let tokenizer: Tokenizer
let template: ChatTemplate

beforeAll(async () => {
  const source = await repositorySource(path)
  const tokenizerConfig = await source.readJson('tokenizer_config.json')
  const tokenizerJson = await source.readJson('tokenizer.json')
  tokenizer = loadTokenizer({ tokenizerJson, tokenizerConfig })
  const loaded = loadChatTemplate(tokenizerConfig)
  if (loaded === null) throw new Error('the starter model has a chat template')
  template = loaded
  engine = await createTestEngine({ path, maxModelLen: 256, maxNumSeqs: 4 })
})
afterAll(() => engine.dispose())

/** Greedy ids of the answer, thinking within `numTokens`; null for no budget. */
const answer = async (numTokens: number | null) => {
  const messages = [{ role: 'user', content: question }]
  const prompt = template.render({ messages, addGenerationPrompt: true })
  const options = { reasoningParser: 'qwen3', promptTail: prompt }
  const endIds = tokenizer.encode('</think>', { addSpecialTokens: false })
  const { vocabSize } = engine
  const mask =
    numTokens === null
      ? {}
      : createThinkingMask({ tokenizer, vocabSize, numTokens, endIds }, createOutputParser(options))
  const promptTokenIds = tokenizer.encode(prompt, { addSpecialTokens: false })
  const samplingParams = { temperature: 0, maxTokens: 120 }
  const tokenIds: number[] = []
  for await (const output of engine.addRequest({ promptTokenIds, samplingParams, ...mask })) {
    tokenIds.push(...output.newTokenIds)
  }
  const [startId = -1] = tokenizer.encode('<think>', { addSpecialTokens: false })
  const end = tokenIds.indexOf(endIds[0] ?? -1)
  const thoughtIds = tokenIds.slice(tokenIds.indexOf(startId) + 1, end)
  return { tokenIds, thoughtIds, ...parseOutput(tokenizer.decode(tokenIds), options) }
}

describe('a budget for the thinking of the starter model', () => {
  it('leaves alone what keeps to it, cuts off the rest, and the batch changes nothing', async () => {
    const free = await answer(null)
    expect(free.thoughtIds.length).toBeGreaterThan(10)
    const budgets = [free.thoughtIds.length, 7, 0]
    const [kept, cut, none] = await Promise.all(budgets.map(answer))
    expect(kept?.tokenIds).toEqual(free.tokenIds)
    expect(cut?.thoughtIds).toEqual(free.thoughtIds.slice(0, 7))
    expect(cut?.content).not.toBeNull()
    expect(none?.thoughtIds).toEqual([])
    expect(none?.reasoning).toBeNull()
    expect(none?.content).not.toBe('')
    expect((await answer(7)).tokenIds).toEqual(cut?.tokenIds)
  })

  it('runs ahead while there is budget left', async () => {
    const before = engine.stats()
    await answer(100)
    const after = engine.stats()
    const numSteps = after.numSteps - before.numSteps
    const numOverlapped = after.numOverlappedSteps - before.numOverlappedSteps
    expect(numOverlapped / numSteps).toBeGreaterThan(0.9)
  })
})
