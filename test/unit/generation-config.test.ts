import { expect, test } from 'vitest'
import { parseGenerationConfig } from '../../src/generation-config.ts'

test('a generation configuration gives ending ids and sampling defaults', () => {
  const json = {
    do_sample: true,
    eos_token_id: [151645, 151643],
    temperature: 0.6,
    top_k: 20,
    top_p: 0.95,
    min_p: 0.05,
    repetition_penalty: 1.05,
    max_new_tokens: 512,
    transformers_version: '4.51.0',
  }
  expect(parseGenerationConfig(json)).toEqual({
    eosTokenIds: [151645, 151643],
    defaultSamplingParams: {
      temperature: 0.6,
      topK: 20,
      topP: 0.95,
      minP: 0.05,
      repetitionPenalty: 1.05,
      maxTokens: 512,
    },
  })
  const none = { eosTokenIds: [], defaultSamplingParams: {} }
  expect(parseGenerationConfig(null)).toEqual(none)
  expect(parseGenerationConfig({ temperature: null })).toEqual(none)
})
