import { eos } from '../fixtures.ts'
import { continuousUsage, type GoldenCase, hello, lost, usage } from './golden-case.ts'

export const completionCases: readonly GoldenCase[] = [
  { kind: 'plain', alsoWhole: true, body: {}, scripts: [hello] },
  { kind: 'echo', body: { echo: true }, scripts: [hello] },
  {
    kind: 'echo-alone',
    alsoWhole: true,
    body: { echo: true, max_tokens: 0 },
    scripts: [{ pieces: ['x'], end: 'length' }],
  },
  { kind: 'logprobs', body: { logprobs: 1 }, scripts: [hello] },
  {
    kind: 'echo-and-logprobs',
    alsoWhole: true,
    body: { echo: true, logprobs: 1 },
    scripts: [hello],
  },
  { kind: 'n', alsoWhole: true, body: { n: 2 }, scripts: [hello, { pieces: ['Hi', eos] }] },
  {
    kind: 'several-prompts',
    alsoWhole: true,
    body: { prompt: ['ab', 'cd'] },
    scripts: [hello, { pieces: ['Hi'], end: 'length' }],
  },
  { kind: 'return-token-ids', body: { return_token_ids: true }, scripts: [hello] },
  {
    kind: 'echo-and-token-ids',
    alsoWhole: true,
    body: { echo: true, return_token_ids: true },
    scripts: [hello],
  },
  {
    kind: 'stop-string',
    body: { stop: 'END' },
    scripts: [{ pieces: ['On', 'e E', 'ND', ' two'], end: 'length' }],
  },
]

export const completionStreamCases: readonly GoldenCase[] = [
  { kind: 'usage', body: { stream_options: usage }, scripts: [{ ...hello, numCachedTokens: 2 }] },
  { kind: 'continuous-usage', body: { stream_options: continuousUsage }, scripts: [hello] },
  { kind: 'error-later', body: {}, scripts: [{ pieces: ['Hel'], end: lost }] },
]
