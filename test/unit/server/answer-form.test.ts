import { expect, test } from 'vitest'
import { createGrammars } from '../../../src/grammar/grammars.ts'
import { prepareAnswerForm } from '../../../src/server/answer-form.ts'
import { connectHere } from '../grammar/toy-grammars.ts'
import { allowedIds } from '../grammar/toy-vocabulary.ts'
import { markerId, markerTokenizer as tokenizer, markerVocabSize } from './marker-tokenizer.ts'
import { createScriptedEngine } from './scripted-engine.ts'

test('an answer holds no markers of the parsers, and ends by those that end it', async () => {
  const stop = markerId('<|return|>')
  const grammars = createGrammars({
    tokenizer,
    vocabSize: markerVocabSize,
    stopTokenIds: [stop],
    connect: connectHere,
  })
  const { compiled, forbiddenIds } = await prepareAnswerForm({
    model: {
      task: 'generate',
      id: 'tiny',
      created: 0,
      engine: createScriptedEngine([]),
      tokenizer,
      chatTemplate: null,
      grammars,
      defaultSamplingParams: {},
      toolParser: 'openai',
      reasoningParser: 'openai_gptoss',
    },
    requested: { constraint: { kind: 'choice', choices: ['ab'] }, field: 'response_format' },
    body: {},
    chat: { prompt: '', kwargs: {}, callsTools: false },
  })
  expect(forbiddenIds).toContain(markerId('<|channel|>'))
  const mask = compiled.createTokenMask({ forbiddenIds })
  const ids = tokenizer.encode('ab', { addSpecialTokens: false })
  expect(allowedIds(await mask(ids), markerVocabSize)).toEqual([stop])
})
