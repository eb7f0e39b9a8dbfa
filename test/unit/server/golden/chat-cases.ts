import { eos } from '../fixtures.ts'
import { continuousUsage, type GoldenCase, hello, lost, usage } from './golden-case.ts'

const unfinished = [
  { role: 'user', content: 'Count.' },
  { role: 'assistant', content: 'One, ' },
]

export const chatCases: readonly GoldenCase[] = [
  { kind: 'plain', alsoWhole: true, body: {}, scripts: [hello] },
  {
    kind: 'several-tokens-a-chunk',
    body: {},
    scripts: [
      {
        pieces: [
          ['Hel', 'lo'],
          [' you', '.', eos],
        ],
      },
    ],
  },
  { kind: 'n', alsoWhole: true, body: { n: 2 }, scripts: [hello, { pieces: ['Hi', eos] }] },
  { kind: 'empty', alsoWhole: true, body: {}, scripts: [{ pieces: [eos] }] },
  {
    kind: 'split-emoji',
    body: {},
    scripts: [{ pieces: ['So', ' \ud83c', '\udf26', '!', eos] }],
  },
  {
    kind: 'stop-string',
    alsoWhole: true,
    body: { stop: ['END'] },
    scripts: [{ pieces: ['On', 'e E', 'ND', ' two'], end: 'length' }],
  },
  {
    kind: 'stop-string-included',
    body: { stop: 'END', include_stop_str_in_output: true },
    scripts: [{ pieces: ['On', 'e E', 'ND', ' two'], end: 'length' }],
  },
  {
    kind: 'stop-token-id',
    body: { stop_token_ids: [42] },
    scripts: [{ pieces: ['One', ' two'], stopTokenId: 42 }],
  },
  {
    kind: 'length',
    alsoWhole: true,
    body: {},
    scripts: [{ pieces: ['One', ' two'], end: 'length' }],
  },
  { kind: 'max-tokens-1', body: { max_tokens: 1 }, scripts: [{ pieces: ['One'], end: 'length' }] },
  {
    kind: 'stream-interval',
    body: { stream_interval: 2 },
    scripts: [{ pieces: ['a', 'b', 'c', 'd', 'e', eos] }],
  },
  {
    kind: 'repetition',
    body: { repetition_detection: { max_pattern_size: 2, min_count: 3 } },
    scripts: [{ pieces: ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'], end: 'length' }],
  },
  {
    kind: 'continue-final-message',
    body: { messages: unfinished, continue_final_message: true },
    scripts: [{ pieces: ['two', eos] }],
  },
  {
    kind: 'echo',
    alsoWhole: true,
    body: { messages: unfinished, continue_final_message: true, echo: true },
    scripts: [{ pieces: ['two', eos] }],
  },
  { kind: 'logprobs', body: { logprobs: true }, scripts: [hello] },
  {
    kind: 'top-logprobs',
    alsoWhole: true,
    body: { logprobs: true, top_logprobs: 2 },
    scripts: [hello],
  },
  {
    kind: 'logprobs-as-token-ids',
    body: { logprobs: true, top_logprobs: 1, return_tokens_as_token_ids: true },
    scripts: [hello],
  },
  { kind: 'return-token-ids', alsoWhole: true, body: { return_token_ids: true }, scripts: [hello] },
  { kind: 'return-prompt-text', body: { return_prompt_text: true }, scripts: [hello] },
  { kind: 'request-id', body: { request_id: 'mine', priority: -1 }, scripts: [hello] },
  {
    kind: 'request-id-header',
    body: { request_id: 'mine' },
    headers: { 'x-request-id': 'of-the-gateway' },
    scripts: [hello],
  },
]

/** These make sense for streams alone. */
export const chatStreamCases: readonly GoldenCase[] = [
  { kind: 'usage', body: { stream_options: usage }, scripts: [{ ...hello, numCachedTokens: 16 }] },
  { kind: 'continuous-usage', body: { stream_options: continuousUsage }, scripts: [hello] },
  {
    kind: 'continuous-usage-alone',
    body: { stream_options: { continuous_usage_stats: true } },
    scripts: [hello],
  },
  {
    kind: 'n-with-usage',
    body: { n: 2, stream_options: usage },
    scripts: [hello, { pieces: ['Hi', eos] }],
  },
]

export const failures: readonly GoldenCase[] = [
  { kind: 'error-first', body: {}, scripts: [{ pieces: [], end: lost }] },
  { kind: 'error-later', body: {}, scripts: [{ pieces: ['Hel'], end: lost }] },
  { kind: 'engine-aborts', body: {}, scripts: [{ pieces: ['Hel', 'lo'], end: 'abort' }] },
]
