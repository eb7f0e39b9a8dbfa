import { eos } from '../fixtures.ts'
import { continuousUsage, type GoldenCase } from './golden-case.ts'

const thinking = ['<think>', 'Two and', ' two.', '</think>', 'Four', '.', eos]
const callOf = (city: string) => [
  '<tool_call>',
  '\n{"name": "weather", ',
  '"arguments": ',
  `{"city": "${city.slice(0, 2)}`,
  `${city.slice(2)}"}`,
  '}\n',
  '</tool_call>',
]
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    },
  },
}
const named = { type: 'function', function: { name: 'weather' } }
const place = {
  type: 'json_schema',
  json_schema: { name: 'place', schema: weather.function.parameters },
}
const hermes = { toolParser: 'hermes' }
const qwen3 = { reasoningParser: 'qwen3' }

/** Answers in which reasoning or calls are found. */
export const parsedCases: readonly GoldenCase[] = [
  { kind: 'reasoning', alsoWhole: true, body: {}, model: qwen3, scripts: [{ pieces: thinking }] },
  {
    kind: 'reasoning-cut-off',
    alsoWhole: true,
    body: {},
    model: qwen3,
    scripts: [{ pieces: thinking.slice(0, 3), end: 'length' }],
  },
  {
    kind: 'include-reasoning-false',
    alsoWhole: true,
    body: { include_reasoning: false, logprobs: true, return_token_ids: true },
    model: qwen3,
    scripts: [{ pieces: thinking }],
  },
  {
    kind: 'include-reasoning-false-without-reasoning',
    body: { include_reasoning: false, logprobs: true, return_token_ids: true },
    scripts: [{ pieces: ['Four', '.', eos] }],
  },
  {
    kind: 'tool-call',
    alsoWhole: true,
    body: { tools: [weather] },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), eos] }],
  },
  {
    kind: 'two-tool-calls',
    alsoWhole: true,
    body: { tools: [weather] },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), '\n', ...callOf('Lima'), eos] }],
  },
  {
    kind: 'parallel-tool-calls-false',
    body: { tools: [weather], parallel_tool_calls: false },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), '\n', ...callOf('Lima'), eos] }],
  },
  {
    kind: 'content-and-tool-call',
    alsoWhole: true,
    body: { tools: [weather] },
    model: hermes,
    scripts: [{ pieces: ['Let me', ' see.', ...callOf('Oslo'), eos] }],
  },
  {
    kind: 'tool-call-cut-off',
    alsoWhole: true,
    body: { tools: [weather] },
    model: hermes,
    scripts: [{ pieces: callOf('Oslo').slice(0, 4), end: 'length' }],
  },
  {
    kind: 'reasoning-and-tool-call',
    alsoWhole: true,
    body: { tools: [weather] },
    model: { ...hermes, ...qwen3 },
    scripts: [{ pieces: [...thinking.slice(0, 4), ...callOf('Oslo'), eos] }],
  },
  {
    kind: 'tool-call-and-token-ids',
    body: { tools: [weather], return_token_ids: true },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), eos] }],
  },
  {
    kind: 'required',
    alsoWhole: true,
    body: { tools: [weather], tool_choice: 'required' },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), eos] }],
  },
  {
    kind: 'required-cut-off',
    alsoWhole: true,
    body: { tools: [weather], tool_choice: 'required' },
    model: hermes,
    scripts: [{ pieces: callOf('Oslo').slice(0, 4), end: 'length' }],
  },
  {
    kind: 'required-guided',
    alsoWhole: true,
    body: { tools: [weather], tool_choice: 'required' },
    model: { toolParser: 'pythonic' },
    scripts: [{ pieces: ['[{"name": "weather", "parameters": {"city": "Os', 'lo"}}]', eos] }],
  },
  {
    kind: 'named',
    alsoWhole: true,
    body: { tools: [weather], tool_choice: named },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), eos] }],
  },
  {
    kind: 'named-guided',
    alsoWhole: true,
    body: { tools: [weather], tool_choice: named },
    model: { toolParser: 'pythonic' },
    scripts: [{ pieces: ['{"city": "Os', 'lo"}', eos] }],
  },
  {
    kind: 'reasoning-and-json-schema',
    alsoWhole: true,
    body: { response_format: place },
    model: qwen3,
    scripts: [{ pieces: [...thinking.slice(0, 4), '{"city": "Os', 'lo"}', eos] }],
  },
  {
    kind: 'tool-choice-none',
    body: { tools: [weather], tool_choice: 'none' },
    model: hermes,
    scripts: [{ pieces: [...callOf('Oslo'), eos] }],
  },
]

/** These make sense for streams alone. */
export const parsedStreamCases: readonly GoldenCase[] = [
  {
    kind: 'continuous-usage-with-reasoning',
    body: { stream_options: continuousUsage },
    model: qwen3,
    scripts: [{ pieces: thinking }],
  },
]
