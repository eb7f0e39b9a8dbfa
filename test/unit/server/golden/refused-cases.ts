import { type GoldenCase, lost } from './golden-case.ts'

/** Answered by an error instead. */
export const refusals: readonly GoldenCase[] = [
  { kind: 'error', body: {}, status: 500, scripts: [{ pieces: ['Hel'], end: lost }] },
  { kind: 'out-of-range', body: { temperature: 3 }, status: 400, scripts: [] },
  { kind: 'wrong-type', body: { temperature: 'hot', n: 1.5 }, status: 400, scripts: [] },
  { kind: 'unknown-model', body: { model: 'other' }, status: 404, scripts: [] },
  { kind: 'max-tokens-0', body: { max_tokens: 0 }, status: 400, scripts: [] },
  {
    kind: 'bad-schema',
    body: {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'place', schema: { properties: { city: { type: 'town' } } } },
      },
    },
    status: 400,
    scripts: [],
  },
  {
    kind: 'prompt-too-long',
    body: { messages: [{ role: 'user', content: 'x'.repeat(2000) }] },
    status: 400,
    scripts: [],
  },
]
