import type { DelimitedReasoning } from './grammars/delimited-reasoning.ts'
import type { MarkedJson } from './grammars/marked-json.ts'

/** A tool parser's data. Its `kind` names the interpreter that reads it. */
export type ToolFormat = MarkedJson
/** A reasoning parser's data. */
export type ReasoningFormat = DelimitedReasoning

/*
 * Names and markers are vLLM's. Where we differ on purpose:
 *
 * | format | vLLM | here |
 * |---|---|---|
 * | all tool formats | text after or between calls may be dropped | kept as content, lone white space apart |
 * | all tool formats | one malformed call turns the whole output into content, or loses it | that call alone becomes content |
 * | all tool formats | markers inside argument strings end the call | strings are read as strings |
 * | all tool formats | string arguments are encoded a second time | the JSON in the string is sent |
 * | all tool formats | no arguments: no delta (hermes) | `{}` |
 * | all tool formats | arguments parsed and dumped anew (llama3_json, jamba, xlam) | sent as generated |
 * | hermes, longcat, granite4, jamba | `parameters` is no call | read as `arguments` |
 * | hermes, longcat | call closed with a bracket missing: content | the missing brackets are added |
 * | internlm | one call | any number |
 * | llama3_json | text around calls dropped | kept as content |
 * | qwen3, seed_oss, glm45, kimi_k2 | without a start tag all is reasoning, even when the prompt closed the thinking | decided by the prompt's end, then by whether the output begins with the start tag |
 * | all reasoning formats | thinking switched by request variables alone | the prompt's end counts first |
 * | all reasoning formats | thinking of white space alone is sent | none |
 * | deepseek_r1, olmo3 | text before a late start tag dropped; olmo3 without an end tag is content unless streamed | reasoning |
 */

const anyKeys = {
  name: 'name',
  arguments: ['arguments', 'parameters'],
  requiresArguments: false,
} as const
const bareKeys = { ...anyKeys, requiresArguments: true } as const

const tagged = (marker: string, close: string): MarkedJson => ({
  kind: 'marked-json',
  openings: [{ marker, close }],
  bare: null,
  separators: '',
  keys: anyKeys,
})

export const toolFormats: Readonly<Record<string, ToolFormat>> = {
  hermes: tagged('<tool_call>', '</tool_call>'),
  longcat: tagged('<longcat_tool_call>', '</longcat_tool_call>'),
  granite4: tagged('<tool_call>', '</tool_call>'),
  jamba: tagged('<tool_calls>', '</tool_calls>'),
  internlm: tagged('<|action_start|><|plugin|>', '<|action_end|>'),
  llama3_json: {
    kind: 'marked-json',
    openings: [{ marker: '<|python_tag|>', close: null }],
    bare: '{',
    separators: ';',
    keys: bareKeys,
  },
  xlam: {
    kind: 'marked-json',
    openings: [
      { marker: '```json', close: '```' },
      { marker: '```', close: '```' },
      { marker: '[TOOL_CALLS]', close: null },
      { marker: '<tool_call>', close: '</tool_call>' },
      { marker: '</think>', close: null, isContent: true },
    ],
    bare: '[',
    separators: '',
    keys: bareKeys,
  },
}

const thinkTags: DelimitedReasoning = {
  kind: 'delimited-reasoning',
  starts: ['<think>'],
  ends: ['</think>'],
  initial: 'reasoning',
  endedBy: [],
  repeats: false,
  trimsEnd: false,
  toggle: null,
}

export const reasoningFormats: Readonly<Record<string, ReasoningFormat>> = {
  deepseek_r1: thinkTags,
  deepseek_v3: { ...thinkTags, toggle: { names: ['thinking', 'enable_thinking'], default: false } },
  qwen3: {
    ...thinkTags,
    initial: 'first-text',
    endedBy: ['<tool_call>'],
    toggle: { names: ['enable_thinking'], default: true },
  },
  seed_oss: {
    ...thinkTags,
    starts: ['<seed:think>'],
    ends: ['</seed:think>'],
    initial: 'first-text',
    endedBy: ['<seed:tool_call>'],
    toggle: { names: ['enable_thinking'], default: true },
  },
  glm45: {
    ...thinkTags,
    initial: 'first-text',
    endedBy: ['<tool_call>'],
    repeats: true,
    trimsEnd: true,
    toggle: { names: ['thinking', 'enable_thinking'], default: true },
  },
  kimi_k2: {
    ...thinkTags,
    initial: 'first-text',
    endedBy: ['<|tool_calls_section_begin|>'],
    toggle: { names: ['thinking', 'enable_thinking'], default: true },
  },
  minimax_m2: { ...thinkTags, endedBy: ['<minimax:tool_call>'] },
  olmo3: thinkTags,
  mistral: {
    ...thinkTags,
    starts: ['[THINK]', '<think>'],
    ends: ['[/THINK]', '</think>'],
    initial: 'content',
    endedBy: ['[TOOL_CALLS]'],
    repeats: true,
    trimsEnd: true,
  },
}
