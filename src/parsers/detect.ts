import { reasoningParserNames, toolParserNames } from './registry.ts'

/** vLLM's parser names for a model, null for none. */
export type DetectedParsers = {
  readonly toolParser: string | null
  readonly reasoningParser: string | null
}

/** What a model's files tell of the formats that it writes. */
export type ModelTraits = {
  /** config.json's `architectures[0]`. */
  readonly architecture: string
  /** The source of its chat templates; empty where it has none. */
  readonly chatTemplate: string
  readonly addedTokens: ReadonlyMap<string, unknown>
}

/** A parser serves models in whose template all of these are found, and which have the rest. */
type Rule = {
  readonly parser: string
  readonly template?: readonly (string | RegExp)[]
  readonly tokens?: readonly string[]
  readonly architecture?: RegExp
}

/** The first that fits. What shares a marker with another format stands before it. */
const toolRules: readonly Rule[] = [
  { parser: 'openai', template: ['<|channel|>', '<|message|>'] },
  { parser: 'muse_glimmer', template: ['<atem:'] },
  { parser: 'deepseek_v32', template: ['｜DSML｜function_calls'] },
  { parser: 'deepseek_v4', template: ['｜DSML｜tool_calls'] },
  { parser: 'deepseek_v41', template: ['｜DSML｜ calls'] },
  { parser: 'deepseek_v3', template: ['<｜tool▁calls▁begin｜>', '```json'] },
  { parser: 'deepseek_v31', template: ['<｜tool▁calls▁begin｜>'] },
  { parser: 'kimi_k2', template: ['<|tool_calls_section_begin|>'] },
  { parser: 'kimi_k2', template: ['tools'], tokens: ['<|tool_calls_section_begin|>'] },
  { parser: 'kimi_k3', template: ['<|open|>'] },
  { parser: 'minimax_m3', template: [']<]minimax[>['] },
  { parser: 'minimax_m2', template: ['<minimax:tool_call>'] },
  { parser: 'seed_oss', template: ['<seed:tool_call>'] },
  { parser: 'solar_open2', template: ['<|tool_call:start|>'] },
  { parser: 'step3', template: ['<steptml:invoke'] },
  { parser: 'dots', template: ['<dots_function_call>'] },
  { parser: 'inkling', template: ['<|content_invoke_tool_json|>'] },
  { parser: 'hy_v3', template: [/<tool_sep/] },
  { parser: 'poolside_v1', template: ['<arg_key>'], tokens: ['<assistant>'] },
  { parser: 'ling3', template: ['<arg_key>'], architecture: /^Bailing/ },
  { parser: 'glm45', template: ['<arg_key>'] },
  { parser: 'longcat', template: ['<longcat_tool_call>'] },
  { parser: 'lfm2', template: ['<|tool_call_start|>'] },
  { parser: 'lfm2', template: ['tools'], tokens: ['<|tool_call_start|>', '<|tool_call_end|>'] },
  { parser: 'gemma4', template: ['<|tool_call>'] },
  { parser: 'functiongemma', template: ['<start_function_call>'] },
  { parser: 'apertus', template: ['<|tools_prefix|>'] },
  { parser: 'cohere_command4', template: ['<|START_ACTION|>', '<|START_TEXT|>'] },
  { parser: 'cohere_command3', template: ['<|START_ACTION|>'] },
  { parser: 'gigachat3', template: ['<|function_call|>'] },
  { parser: 'gigachat3', template: ["'role': 'function call'", '<|role_sep|>'] },
  { parser: 'internlm', template: ['<|plugin|>'] },
  { parser: 'mistral', template: ['[TOOL_CALLS]'] },
  { parser: 'xlam', template: ['single JSON array'] },
  { parser: 'olmo3', template: ['<function_calls>'] },
  { parser: 'qwen3_coder', template: ['<tool_call>', '<function='] },
  { parser: 'minicpm5', template: ['<function name='] },
  { parser: 'granite4', template: ['<|start_of_role|>', '<tool_call>'] },
  { parser: 'granite', template: ['<|start_of_role|>', '<|tool_call|>'] },
  { parser: 'granite', template: ['<|start_of_role|>', 'tools'], tokens: ['<|tool_call|>'] },
  { parser: 'granite-20b-fc', template: ['<function_call>'] },
  { parser: 'jamba', template: ['<tool_calls>'], architecture: /^Jamba/ },
  { parser: 'hunyuan_a13b', template: ['<tool_calls>'], architecture: /^HunYuan/ },
  { parser: 'jamba', template: ['<tool_calls>'] },
  { parser: 'ernie45', template: ['<tool_call>'], architecture: /^Ernie/ },
  { parser: 'hermes', template: ['<tool_call>'] },
  { parser: 'phi4_mini_json', template: ['<|tool|>'] },
  { parser: 'phi4_mini_json', template: ['functools['] },
  { parser: 'llama4_json', template: ['<|header_start|>', '"parameters": dictionary'] },
  { parser: 'llama4_pythonic', template: ['<|header_start|>', '[func_name1('] },
  { parser: 'llama4_pythonic', template: ['<|python_start|>'] },
  { parser: 'pythonic', template: ['[func_name1(params_name1='] },
  { parser: 'llama3_json', template: ['<|python_tag|>'] },
  { parser: 'llama3_json', template: ['<|start_header_id|>', '"parameters": dictionary'] },
]

/** A template that opens the thinking of every answer leaves no choice to the request. */
const opensThinking = /add_generation_prompt[^]*<think>(?![^]*(?:<\/think>|\{%-?\s*else\b))/
const hasSwitch = /\b(enable_)?thinking\b/

/**
 * Most models share the tags. Where the prompt does not tell whether the model thinks, `qwen3` goes by
 * what the answer begins with, so that it serves those that never do.
 */
const reasoningRules: readonly Rule[] = [
  { parser: 'openai_gptoss', template: ['<|channel|>', '<|message|>'] },
  { parser: 'muse_glimmer', template: ['to=self', '<|message|>'] },
  { parser: 'inkling', template: ['<|content_thinking|>'] },
  { parser: 'cohere_command3', template: ['<|START_THINKING|>'] },
  { parser: 'solar_open2', template: ['<|think:end|>'] },
  { parser: 'kimi_k3', template: ['<|open|>', 'think'] },
  { parser: 'minimax_m3', template: ['</mm:think>'] },
  { parser: 'deepseek_v41', template: ['｜DSML｜ calls', '</think>'] },
  { parser: 'deepseek_v4', template: ['｜DSML｜tool_calls', '</think>'] },
  { parser: 'deepseek_v3', template: ['<｜Assistant｜>', '</think>', hasSwitch] },
  { parser: 'kimi_k2', template: ['<|tool_calls_section_begin|>', '</think>'] },
  { parser: 'minimax_m2', template: ['<minimax:tool_call>', '</think>'] },
  { parser: 'seed_oss', template: ['</seed:think>'] },
  { parser: 'seed_oss', tokens: ['<seed:think>', '</seed:think>'] },
  { parser: 'hy_v3', template: [/<tool_sep/, '</think', 'reasoning_effort'] },
  { parser: 'poolside_v1', template: ['<arg_key>', '</think>'], tokens: ['<assistant>'] },
  { parser: 'ling3', template: ['<arg_key>', '</think>'], architecture: /^Bailing/ },
  { parser: 'glm45', template: ['<arg_key>', '</think>'] },
  { parser: 'gemma4', template: ['<|channel>'] },
  { parser: 'mistral', template: ['[THINK]'] },
  { parser: 'mistral', tokens: ['[THINK]', '[/THINK]'] },
  { parser: 'granite', template: ['Here is my thought process:'] },
  { parser: 'granite_thinking', template: ['<|start_of_role|>', '</think>'] },
  { parser: 'nemotron_v3', template: ['</think>'], architecture: /^Nemotron/ },
  { parser: 'step3p5', template: ['</think>'], architecture: /^Step3p5/ },
  { parser: 'step3', template: ['</think>'], architecture: /^Step3/ },
  { parser: 'ernie45', template: ['</think>'], architecture: /^Ernie/ },
  { parser: 'hunyuan_a13b', template: ['</think>', '<answer>'] },
  { parser: 'hunyuan_a13b', template: ['</think>'], architecture: /^HunYuan/ },
  { parser: 'olmo3', template: ['<think>'], architecture: /^Olmo3/ },
  { parser: 'qwen3', template: ['</think>', hasSwitch] },
  { parser: 'deepseek_r1', template: [opensThinking] },
  { parser: 'qwen3', template: ['</think>'] },
  { parser: 'qwen3', tokens: ['<think>', '</think>'] },
]

const fits = ({ template = [], tokens = [], architecture }: Rule, traits: ModelTraits): boolean =>
  template.every((part) =>
    typeof part === 'string' ? traits.chatTemplate.includes(part) : part.test(traits.chatTemplate),
  ) &&
  tokens.every((token) => traits.addedTokens.has(token)) &&
  (architecture?.test(traits.architecture) ?? true)

/** A format that there is no parser for stays text: another parser would misread it. */
const choose = (rules: readonly Rule[], traits: ModelTraits, names: readonly string[]) => {
  const parser = rules.find((rule) => fits(rule, traits))?.parser ?? null
  return parser !== null && names.includes(parser) ? parser : null
}

/**
 * Guesses the parsers from what the chat template writes, the vocabulary holds and the architecture
 * is. Both can be overridden when the model is loaded.
 */
export const detectParsers = (traits: ModelTraits): DetectedParsers => ({
  toolParser: choose(toolRules, traits, toolParserNames),
  reasoningParser: choose(reasoningRules, traits, reasoningParserNames),
})
