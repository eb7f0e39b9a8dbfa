import { channelledReasoning } from './channelled-formats.ts'
import type { DelimitedReasoning, ThinkingToggle } from './grammars/delimited-reasoning.ts'
import type { ChannelledMessages } from './grammars/message-reader.ts'

/** A reasoning parser's data, all of it JSON. Its `kind` names the interpreter that reads it. */
export type ReasoningFormat = DelimitedReasoning | ChannelledMessages

/*
 * Names and markers are vLLM's. Where we differ on purpose:
 *
 * | format | vLLM | here |
 * |---|---|---|
 * | all | thinking switched by request variables alone | the prompt's end counts first |
 * | all | thinking of white space alone is sent | none |
 * | all | streamed and whole answers differ in many cases | they are the same |
 * | qwen3, seed_oss, glm45, kimi_k2 and their kin | without a start tag all is reasoning, even when the prompt closed the thinking | decided by the prompt's end, then by whether the output begins with the start tag |
 * | deepseek_r1, olmo3, granite | text before a late start tag dropped | kept |
 * | olmo3, granite | thinking without an end is content unless streamed | reasoning |
 * | hunyuan_a13b, ernie45, cohere_command3 | tags around the answer are cut out of tool arguments too | dropped up to the first call |
 * | ling3 | thinking without an answer or a call moves to the content, unless streamed | it is told a second time as content |
 * | nemotron_v3, granite_thinking with `force_nonempty_content` | the same; streamed, what never ended is told a second time | it is told a second time as content |
 * | openai_gptoss | extra words in a header are an error, messages of other channels are dropped | the words are ignored, the messages are content |
 * | openai_gptoss | messages of one kind are joined by a line break unless streamed | always |
 * | muse_glimmer | a bare `to=NAME` header inside of a body begins a call | text |
 */

const thinkTags: DelimitedReasoning = {
  kind: 'delimited-reasoning',
  starts: ['<think>'],
  ends: ['</think>'],
  firstStarts: [],
  initial: 'reasoning',
  endedBy: [],
  repeats: false,
  trimsEnd: false,
  answerTags: [],
  toggle: null,
  contentPrefix: null,
  trimsAnswer: false,
  promotion: null,
}

const toggle = (
  names: readonly string[],
  byDefault: boolean,
  changes: Partial<ThinkingToggle> = {},
): ThinkingToggle => ({
  variables: names.map((name) => ({ name, on: null, off: [] })),
  default: byDefault,
  whenOff: 'untouched',
  ...changes,
})
const enabled = toggle(['enable_thinking'], true)
const thinking = toggle(['thinking', 'enable_thinking'], true)

const deepseekR1: DelimitedReasoning = thinkTags
const deepseekV3: DelimitedReasoning = {
  ...thinkTags,
  toggle: toggle(['thinking', 'enable_thinking'], false),
}
const deepseekV4: DelimitedReasoning = {
  ...thinkTags,
  endedBy: ['<｜DSML｜tool_calls>', '<｜DSML｜ calls>'],
  repeats: true,
  toggle: {
    ...thinking,
    variables: [...thinking.variables, { name: 'reasoning_effort', on: null, off: ['none'] }],
    whenOff: 'content',
  },
}
const qwen3: DelimitedReasoning = {
  ...thinkTags,
  initial: 'first-text',
  endedBy: ['<tool_call>'],
  toggle: enabled,
}
const glm: DelimitedReasoning = {
  ...thinkTags,
  initial: 'first-text',
  endedBy: ['<tool_call>'],
  repeats: true,
  trimsEnd: true,
  toggle: thinking,
}
const nemotronV3: DelimitedReasoning = {
  ...qwen3,
  trimsEnd: true,
  promotion: { variable: 'force_nonempty_content' },
}
const minimaxM2: DelimitedReasoning = { ...thinkTags, endedBy: ['<minimax:tool_call>'] }
const cohere: DelimitedReasoning = {
  ...thinkTags,
  starts: ['<|START_THINKING|>'],
  ends: ['<|END_THINKING|>'],
  initial: 'first-text',
  endedBy: ['<|START_ACTION|>'],
  answerTags: ['<|START_RESPONSE|>', '<|END_RESPONSE|>', '<|START_TEXT|>', '<|END_TEXT|>'],
}

export const reasoningFormats: Readonly<Record<string, ReasoningFormat>> = {
  deepseek_r1: deepseekR1,
  deepseek_v3: deepseekV3,
  deepseek_v4: deepseekV4,
  deepseek_v41: deepseekV4,
  holo2: { ...thinkTags, toggle: thinking },
  poolside_v1: deepseekV3,
  hy_v3: {
    ...thinkTags,
    toggle: toggle([], false, {
      variables: [{ name: 'reasoning_effort', on: null, off: ['no_think', 'none'] }],
    }),
  },
  qwen3,
  mimo: qwen3,
  nemotron_v3: nemotronV3,
  granite_thinking: { ...nemotronV3, trimsAnswer: true },
  seed_oss: {
    ...qwen3,
    starts: ['<seed:think>'],
    ends: ['</seed:think>'],
    endedBy: ['<seed:tool_call>'],
  },
  glm45: glm,
  glm47: glm,
  ling3: { ...glm, promotion: { variable: null } },
  kimi_k2: {
    ...thinkTags,
    initial: 'first-text',
    endedBy: ['<|tool_calls_section_begin|>'],
    toggle: thinking,
  },
  kimi_k3: {
    ...thinkTags,
    starts: ['<|open|>think<|sep|>'],
    ends: ['<|close|>think<|sep|>'],
    endedBy: ['<|open|>tools<|sep|>', '<|open|>call '],
    answerTags: ['<|open|>response<|sep|>', '<|close|>response<|sep|>', '<|close|>message<|sep|>'],
    toggle: { ...thinking, whenOff: 'content' },
  },
  minimax_m2: minimaxM2,
  minimax_m2_append_think: { ...minimaxM2, contentPrefix: '<think>' },
  minimax_m3: {
    ...thinkTags,
    starts: ['<mm:think>'],
    ends: ['</mm:think>'],
    endedBy: [']<]minimax[>[<tool_call>'],
    repeats: true,
    toggle: toggle([], false, {
      variables: [{ name: 'thinking_mode', on: ['enabled'], off: [] }],
      whenOff: 'content',
    }),
  },
  mistral: {
    ...thinkTags,
    starts: ['[THINK]', '<think>'],
    ends: ['[/THINK]', '</think>'],
    initial: 'content',
    endedBy: ['[TOOL_CALLS]'],
    repeats: true,
    trimsEnd: true,
  },
  gemma4: {
    ...thinkTags,
    starts: ['<|channel>thought\n'],
    ends: ['<channel|>'],
    firstStarts: ['thought\n'],
    initial: 'first-text',
    endedBy: ['<|tool_call>'],
    repeats: true,
  },
  granite: {
    ...thinkTags,
    starts: ['Here is my thought process:', "Here's my thought process:"],
    ends: ['Here is my response:', "Here's my response:"],
    initial: 'content',
    repeats: true,
  },
  hunyuan_a13b: {
    ...thinkTags,
    starts: ['<think>\n', '<think>'],
    ends: [
      '\n</think>\n<answer>\n',
      '</think>\n<answer>\n',
      '\n</think>\n',
      '\n</think>',
      '</think>',
    ],
    initial: 'first-text',
    endedBy: ['<tool_calls>'],
    answerTags: ['<answer>\n', '\n</answer>', '</answer>'],
  },
  olmo3: thinkTags,
  ernie45: {
    ...thinkTags,
    endedBy: ['<tool_call>'],
    answerTags: ['<response>', '</response>'],
  },
  step3: { ...thinkTags, starts: [] },
  step3p5: { ...thinkTags, ends: ['\n</think>\n', '</think>\n', '\n</think>', '</think>'] },
  solar_open2: {
    ...thinkTags,
    starts: ['<|think:start|>'],
    ends: ['<|think:end|>'],
    initial: 'first-text',
    endedBy: ['<|tool_call:start|>'],
  },
  cohere_command3: cohere,
  cohere_command4: cohere,
  cohere_command: cohere,
  ...channelledReasoning,
}

/** The text that ends thinking which has to end. */
export const forcedEndOf = (format: ReasoningFormat): string =>
  format.kind === 'channelled-messages' ? format.forcedEnd : (format.ends[0] ?? '')
