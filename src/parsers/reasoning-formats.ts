import type { DelimitedReasoning } from './grammars/delimited-reasoning.ts'

/** A reasoning parser's data. */
export type ReasoningFormat = DelimitedReasoning

/*
 * Names and markers are vLLM's. Where we differ on purpose:
 *
 * | format | vLLM | here |
 * |---|---|---|
 * | qwen3, seed_oss, glm45, kimi_k2 | without a start tag all is reasoning, even when the prompt closed the thinking | decided by the prompt's end, then by whether the output begins with the start tag |
 * | all reasoning formats | thinking switched by request variables alone | the prompt's end counts first |
 * | all reasoning formats | thinking of white space alone is sent | none |
 * | deepseek_r1, olmo3 | text before a late start tag dropped; olmo3 without an end tag is content unless streamed | reasoning |
 */

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
