import { describe, expect, it } from 'vitest'
import { createTestServer, refusal, type RefusalCase } from './fixtures.ts'

/** The vocabulary of the scripted engine. */
const vocabSize = 1 << 20

const logprobsRefusals: readonly RefusalCase[] = [
  [
    { logprobs: true, top_logprobs: 21 },
    'Requested sample logprobs of 21, which is greater than max allowed: 20 ' +
      '(parameter=logprobs, value=21)',
    'logprobs',
  ],
  [
    { logprobs: true, top_logprobs: -1 },
    `Requested sample logprobs of ${vocabSize}, which is greater than max allowed: 20 ` +
      `(parameter=logprobs, value=${vocabSize})`,
    'logprobs',
  ],
  [
    { prompt_logprobs: 30 },
    'Requested prompt logprobs of 30, which is greater than max allowed: 20 ' +
      '(parameter=prompt_logprobs, value=30)',
    'prompt_logprobs',
  ],
  [
    { prompt_logprobs: -3 },
    '`prompt_logprobs` must be a positive value or -1. (parameter=prompt_logprobs, value=-3)',
    'prompt_logprobs',
  ],
  [
    { prompt_logprobs: 1, stream: true },
    '`prompt_logprobs` are not available when `stream=True`. (parameter=prompt_logprobs)',
    'prompt_logprobs',
  ],
  [
    { prompt_logprobs: '1' },
    '`prompt_logprobs` must be an integer. (parameter=prompt_logprobs, value=1)',
    'prompt_logprobs',
  ],
  [
    { top_logprobs: [null, true] },
    '`top_logprobs` must be an integer. (parameter=top_logprobs, value=[None, True])',
    'top_logprobs',
  ],
  [
    { top_logprobs: -1 },
    'when using `top_logprobs`, `logprobs` must be set to true. (parameter=top_logprobs)',
    'top_logprobs',
  ],
]

const named = { logprobs: true, logprob_token_ids: [1] }

const namedIdsRefusals: readonly RefusalCase[] = [
  [
    { ...named, logprobs: false },
    'when using `logprob_token_ids`, `logprobs` must be set to true. (parameter=logprob_token_ids)',
    'logprob_token_ids',
  ],
  [
    { ...named, use_beam_search: true },
    '`logprob_token_ids` is not supported with beam search. (parameter=logprob_token_ids)',
    'logprob_token_ids',
  ],
  [
    { ...named, logprob_token_ids: Array.from({ length: 129 }, (_, id) => id) },
    'Requested logprob_token_ids of length 129, which is greater than max allowed: 128 ' +
      '(parameter=logprob_token_ids, value=129)',
    'logprob_token_ids',
  ],
  [
    { ...named, logprob_token_ids: [3, vocabSize, -1] },
    `token_id(s) [${vocabSize}, -1] in logprob_token_ids contain out-of-vocab token ids. ` +
      `Vocabulary size: ${vocabSize} (parameter=logprob_token_ids, value=[${vocabSize}, -1])`,
    'logprob_token_ids',
  ],
]

const samplingRefusals: readonly RefusalCase[] = [
  [{ presence_penalty: 2.5 }, 'presence_penalty must be in [-2, 2], got 2.5.', 'presence_penalty'],
  [
    { frequency_penalty: -3 },
    'frequency_penalty must be in [-2, 2], got -3.0.',
    'frequency_penalty',
  ],
  [
    { repetition_penalty: 0 },
    'repetition_penalty must be greater than zero, got 0.0.',
    'repetition_penalty',
  ],
  [
    { logit_bias: { a: 1, 5: 2, 'b c': 0 } },
    "logit_bias contains key(s) that cannot be converted to integer token IDs: ['a', 'b c'] " +
      "(parameter=logit_bias, value=['a', 'b c'])",
    'logit_bias',
  ],
  [
    { logit_bias: { '-1': 1, 5: 1, 1048576: 1 } },
    'token_id(s) [1048576, -1] in logit_bias contain out-of-vocab token ids. ' +
      `Vocabulary size: ${vocabSize} (parameter=logit_bias, value=[1048576, -1])`,
    'logit_bias',
  ],
  [
    { stop_token_ids: [1, -2] },
    'token_id(s) [-2] in stop_token_ids contain out-of-vocab token ids. ' +
      `Vocabulary size: ${vocabSize} (parameter=stop_token_ids, value=[-2])`,
    'stop_token_ids',
  ],
  [
    { cache_salt: '' },
    "Parameter 'cache_salt' must be a non-empty string if provided. (parameter=cache_salt)",
    'cache_salt',
  ],
  [
    { cache_salt: 5 },
    "Parameter 'cache_salt' must be a non-empty string if provided. (parameter=cache_salt)",
    'cache_salt',
  ],
  [
    { allowed_token_ids: [] },
    'allowed_token_ids is not None and empty! (parameter=allowed_token_ids, value=[])',
    'allowed_token_ids',
  ],
  [
    { allowed_token_ids: [3, 2e6] },
    'allowed_token_ids contains out-of-vocab token id! (parameter=allowed_token_ids, ' +
      'value=[2000000])',
    'allowed_token_ids',
  ],
  [
    { bad_words: ['a', ''] },
    "bad_words cannot contain an empty string. Got bad_words=['a', '']",
    'bad_words',
  ],
  [
    { bad_words: [' '] },
    "bad_words entries must tokenize to at least one token. (parameter=bad_words, value=[' '])",
    'bad_words',
  ],
]

const beamRefusals: readonly RefusalCase[] = [
  [
    { use_beam_search: true, stream: true },
    'Streaming is not currently supported with beam search',
    null,
  ],
  [
    { use_beam_search: true, prompt_logprobs: 1 },
    'Log probabilities of the prompt are not available with beam search. Leave out ' +
      '`prompt_logprobs`, and `echo` with `logprobs`.',
    'prompt_logprobs',
  ],
  [
    { use_beam_search: true, length_penalty: 'Infinity' },
    'length_penalty must be a finite number, got Infinity.',
    'length_penalty',
  ],
]

const newRefusals = [...logprobsRefusals, ...namedIdsRefusals, ...samplingRefusals, ...beamRefusals]

describe('refusals of sampling fields', () => {
  it.each(newRefusals)('%j', async (body, message, param) => {
    const { chat, engine } = createTestServer()
    const error = await refusal(chat, body)
    expect(error).toEqual({ message, type: 'BadRequestError', param, code: 400 })
    expect(engine.requests).toHaveLength(0)
  })

  it('name what completions call differently', async () => {
    const { complete } = createTestServer()
    for (const logprobs of [-1, -2]) {
      expect((await refusal(complete, { logprobs })).message).toBe(
        `\`logprobs\` must be a positive value. (parameter=logprobs, value=${logprobs})`,
      )
    }
    expect((await refusal(complete, { logprobs: 21 })).param).toBe('logprobs')
    expect((await refusal(complete, { logprob_token_ids: [1] })).message).toBe(
      'when using `logprob_token_ids`, `logprobs` must be set. (parameter=logprob_token_ids)',
    )
    const promptAlone = { ...named, logprobs: 1, echo: true, max_tokens: 0 }
    expect((await refusal(complete, promptAlone)).message).toContain('no output tokens')
    const beams = { use_beam_search: true, echo: true, logprobs: 1 }
    expect((await refusal(complete, beams)).param).toBe('prompt_logprobs')
  })

  it('bound what one request may bias and ban', async () => {
    const bias = Object.fromEntries(Array.from({ length: 1020 }, (_, id) => [id, 1]))
    const words = Array.from({ length: 6 }, (_, index) => String.fromCodePoint(97 + index))
    const { chat } = createTestServer()
    const error = await refusal(chat, { logit_bias: bias, bad_words: words })
    expect(error.message).toContain('at most 1024 entries')
  })
})
