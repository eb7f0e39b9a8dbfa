import { expect, test } from 'vitest'
import { detectParsers } from '../../../src/parsers/detect.ts'
import { reasoningParserNames, toolParserNames } from '../../../src/parsers/registry.ts'

type Family = {
  readonly name: string
  /** In the style of the family's own, shortened to what is telling. */
  readonly template: string
  readonly tokens?: readonly string[]
  readonly architecture?: string
  readonly tool: string | null
  readonly reasoning?: string | null
}

const chatml =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}'
const calls =
  '{% for c in m.tool_calls %}<tool_call>\n{{ c.function | tojson }}\n</tool_call>{% endfor %}'
const hermes = `{% if tools %}<tools>{{ tools | tojson }}</tools>{% endif %}${chatml}${calls}`
const opened = '{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}'
const closed =
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is false %}' +
  '<think>\n\n</think>\n\n{% endif %}{% endif %}'
const history = "{% set text = m.content.split('</think>')[-1] %}"
const thinkTokens = ['<think>', '</think>']
const llama = '<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>'
const llama4 = '<|header_start|>{{ m.role }}<|header_end|>\n\n{{ m.content }}<|eot|>'
const granite = '<|start_of_role|>{{ m.role }}<|end_of_role|>{{ m.content }}<|end_of_text|>'
const deepseek = '<｜User｜>{{ m.content }}<｜Assistant｜>'
const deepseekCall = '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>'

const families: readonly Family[] = [
  { name: 'Qwen2.5', template: hermes, tool: 'hermes' },
  { name: 'Hermes 3', template: `<tools>{{ t }}</tools>${calls}${chatml}`, tool: 'hermes' },
  { name: 'Qwen3', template: history + hermes + closed, tool: 'hermes', reasoning: 'qwen3' },
  {
    name: 'Qwen3 2507, with the tokens and without thinking',
    template: hermes,
    tokens: thinkTokens,
    tool: 'hermes',
    reasoning: 'qwen3',
  },
  { name: 'QwQ', template: history + hermes + opened, tool: 'hermes', reasoning: 'deepseek_r1' },
  {
    name: 'Qwen3-Coder',
    template: `${chatml}<tool_call>\n<function={{ c.name }}>\n<parameter=k>`,
    tool: 'qwen3_coder',
  },
  {
    name: 'DeepSeek-R1-Distill',
    template: `${history}${deepseek}{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}`,
    tool: null,
    reasoning: 'deepseek_r1',
  },
  {
    name: 'DeepSeek-R1-0528',
    template: `${history}${deepseekCall}function<｜tool▁sep｜>{{ n }}\n\`\`\`json\n${deepseek}`,
    tool: 'deepseek_v3',
    reasoning: 'qwen3',
  },
  {
    name: 'DeepSeek-V3.1',
    template: `{% if not thinking %}</think>{% endif %}${deepseekCall}{{ n }}<｜tool▁sep｜>${deepseek}`,
    tool: 'deepseek_v31',
    reasoning: 'deepseek_v3',
  },
  { name: 'Llama 3.1', template: `<|python_tag|>{{ c }}${llama}`, tool: 'llama3_json' },
  {
    name: 'Llama 3.2',
    template: `Respond in the format {"name": function name, "parameters": dictionary of argument${llama}`,
    tool: 'llama3_json',
  },
  { name: 'Llama 3', template: llama, tool: null },
  { name: 'ToolACE', template: `[func_name1(params_name1=value)]${llama}`, tool: 'pythonic' },
  { name: 'Llama 4', template: `<|python_start|>${llama}`, tool: 'llama4_pythonic' },
  {
    name: 'Llama 4, which asks for JSON',
    template: `${llama4}{"name": function name, "parameters": dictionary of argument<|python_start|>`,
    tool: 'llama4_json',
  },
  {
    name: 'Llama 4, which asks for Python',
    template: `${llama4}[func_name1(param1=value1), func_name2(...)]`,
    tool: 'llama4_pythonic',
  },
  {
    name: 'Mistral',
    template:
      "[AVAILABLE_TOOLS]{{ tools }}[/AVAILABLE_TOOLS][INST]{{ m.content }}[/INST]{{ '[TOOL_CALLS]' }}",
    tokens: ['[TOOL_CALLS]', '[ARGS]'],
    tool: 'mistral',
  },
  {
    name: 'Magistral',
    template: '[THINK]{{ m.thinking }}[/THINK][TOOL_CALLS]',
    tokens: ['[THINK]', '[/THINK]'],
    tool: 'mistral',
    reasoning: 'mistral',
  },
  {
    name: 'Granite 3.1, which names the marker in its vocabulary alone',
    template: `{% if tools %}<|start_of_role|>tools{% endif %}${granite}`,
    tokens: ['<|tool_call|>'],
    tool: 'granite',
  },
  {
    name: 'Granite 3.3',
    template: `respond with <|tool_call|> followed by a list of tools. ${granite}`,
    tool: 'granite',
  },
  {
    name: 'Granite 4',
    template: `${calls}${granite}`,
    tokens: ['<|tool_call|>'],
    tool: 'granite4',
  },
  {
    name: 'Phi-4-mini',
    template: '<|tool|>{{ m.tools }}<|/tool|><|{{ m.role }}|>',
    tool: 'phi4_mini_json',
  },
  {
    name: 'Phi-4-mini, which is told of the format',
    template: 'formatted as functools[{"name": [function name]}]<|{{ m.role }}|>',
    tool: 'phi4_mini_json',
  },
  { name: 'Phi-3.5', template: '<|{{ m.role }}|>\n{{ m.content }}<|end|>', tool: null },
  {
    name: 'SmolLM3',
    template: history + calls + chatml + closed,
    tool: 'hermes',
    reasoning: 'qwen3',
  },
  {
    name: 'Gemma 3',
    template: '<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>',
    tool: null,
  },
  { name: 'FunctionGemma', template: '<start_function_call>call:{{ n }}', tool: 'functiongemma' },
  {
    name: 'Gemma 4',
    template: '<|tool_call>call:{{ n }}<|channel>',
    tool: 'gemma4',
    reasoning: 'gemma4',
  },
  {
    name: 'OLMo 3',
    template: `<functions>{{ t }}</functions>${chatml}<function_calls>`,
    tool: 'olmo3',
  },
  {
    name: 'OLMo 3 Think',
    template: chatml + opened,
    architecture: 'Olmo3ForCausalLM',
    tool: null,
    reasoning: 'olmo3',
  },
  {
    name: 'MiniMax M2',
    template: `${history}<minimax:tool_call><invoke name="f">${opened}`,
    tool: 'minimax_m2',
    reasoning: 'minimax_m2',
  },
  {
    name: 'GLM 4.5',
    template: `${history}<tool_call>{{ n }}<arg_key>k</arg_key>${closed}`,
    tool: 'glm45',
    reasoning: 'glm45',
  },
  {
    name: 'Kimi K2',
    template: '<|tool_calls_section_begin|><|tool_call_begin|>',
    tool: 'kimi_k2',
  },
  {
    name: 'Kimi K2 Thinking',
    template: `${history}<|tool_calls_section_begin|>`,
    tool: 'kimi_k2',
    reasoning: 'kimi_k2',
  },
  {
    name: 'xLAM',
    template: `make calls in a single JSON array: [${llama}<|python_tag|>`,
    tool: 'xlam',
  },
  { name: 'InternLM', template: `${chatml}<|action_start|><|plugin|>`, tool: 'internlm' },
  { name: 'Jamba', template: '<tool_calls>[{{ c | tojson }}]</tool_calls>', tool: 'jamba' },
  {
    name: 'Seed-OSS',
    template: '<seed:think>{{ m.reasoning_content }}</seed:think><seed:tool_call>',
    tool: 'seed_oss',
    reasoning: 'seed_oss',
  },
  { name: 'LongCat', template: '<longcat_tool_call>{{ c }}', tool: 'longcat' },
  {
    name: 'LFM2, whose template lists the tools and leaves the marker to the model',
    template: `<|tool_list_start|>{{ tools }}${chatml}`,
    tokens: ['<|tool_call_start|>', '<|tool_call_end|>'],
    tool: 'lfm2',
  },
  { name: 'MiniCPM 5', template: '<function name="f"><param name="k">', tool: 'minicpm5' },
  { name: 'Step 3', template: '<steptml:invoke name="f">', tool: 'step3' },
  { name: 'DeepSeek-V3.2', template: '<｜DSML｜function_calls>', tool: 'deepseek_v32' },
  { name: 'DeepSeek-V4.1', template: '<｜DSML｜ calls>', tool: 'deepseek_v41' },
  { name: 'Solar Open 2', template: '<|tool_call:start|>{{ c.name }}', tool: 'solar_open2' },
  { name: 'dots', template: '<dots_function_call><invoke name="f">', tool: 'dots' },
  { name: 'Apertus', template: '<|tools_prefix|>[{{ c }}]<|tools_suffix|>', tool: 'apertus' },
  { name: 'Command R7B', template: '<|START_ACTION|>{{ c }}', tool: 'cohere_command3' },
  {
    name: 'a later Command',
    template: '<|START_TEXT|>{{ t }}<|END_TEXT|><|START_ACTION|>{{ c }}',
    tool: 'cohere_command4',
  },
  { name: 'GigaChat 3.1', template: '<|function_call|>{{ c }}', tool: 'gigachat3' },
  {
    name: 'GigaChat 3',
    template: "{{ render({'role': 'function call', 'content': c}) }}<|role_sep|>",
    tool: 'gigachat3',
  },
  {
    name: 'GigaChat 3.5, which thinks at will',
    template:
      "{{ m.role in ['function call'] }}<|role_sep|><｜GCML｜tool_calls></think>" +
      '{% if add_generation_prompt %}{%- if reasoning -%}<think>{%- else -%}{%- endif -%}',
    tool: null,
    reasoning: 'qwen3',
  },
  {
    name: 'Kimi K2, which names the marker in its vocabulary alone',
    template: '{{ tools | tojson }}<|im_middle|>',
    tokens: ['<|tool_calls_section_begin|>'],
    tool: 'kimi_k2',
  },
  {
    name: 'a model that thinks unless it is told not to',
    template: `${history}{% if add_generation_prompt and enable_thinking %}<think>{% endif %}`,
    tool: null,
    reasoning: 'qwen3',
  },
  { name: 'Hy 3', template: '<tool_call>{{ n }}<tool_sep><arg_key>', tool: 'hy_v3' },
  {
    name: 'Hunyuan A13B',
    template: '<tool_calls>[{{ c }}]</tool_calls>',
    architecture: 'HunYuanMoEV1ForCausalLM',
    tool: 'hunyuan_a13b',
  },
  {
    name: 'a dense Hunyuan',
    template: `${history}<tool_calls>[{{ c }}]</tool_calls>`,
    architecture: 'HunYuanDenseV1ForCausalLM',
    tool: 'hunyuan_a13b',
    reasoning: 'hunyuan_a13b',
  },
  {
    name: 'gpt-oss',
    template: '<|start|>assistant<|channel|>analysis<|message|>',
    tool: 'openai',
    reasoning: 'openai_gptoss',
  },
  {
    name: 'Muse Glimmer',
    template: '<|start|>assistant to=self<|message|>{{ t }}<|eom|><atem:invoke name="f">',
    tool: 'muse_glimmer',
    reasoning: 'muse_glimmer',
  },
  {
    name: 'Inkling',
    template: '<|message_model|><|content_thinking|>{{ t }}<|content_invoke_tool_json|>',
    tool: 'inkling',
    reasoning: 'inkling',
  },
  {
    name: 'Command A Reasoning',
    template: '<|START_THINKING|>{{ t }}<|END_THINKING|><|START_ACTION|>',
    tool: 'cohere_command3',
    reasoning: 'cohere_command3',
  },
  {
    name: 'Solar Open 2',
    template: '<|think:start|>{{ t }}<|think:end|><|tool_call:start|>',
    tool: 'solar_open2',
    reasoning: 'solar_open2',
  },
  {
    name: 'Kimi K3',
    template: '<|open|>think<|sep|>{{ t }}<|close|>think<|sep|>',
    tool: 'kimi_k3',
    reasoning: 'kimi_k3',
  },
  {
    name: 'MiniMax M3',
    template: '<mm:think>{{ t }}</mm:think>]<]minimax[>[<tool_call>',
    tool: 'minimax_m3',
    reasoning: 'minimax_m3',
  },
  {
    name: 'DeepSeek-V4',
    template: `${history}<｜DSML｜tool_calls>${deepseek}`,
    tool: 'deepseek_v4',
    reasoning: 'deepseek_v4',
  },
  {
    name: 'DeepSeek-V4.1',
    template: `${history}<｜DSML｜ calls>${deepseek}`,
    tool: 'deepseek_v41',
    reasoning: 'deepseek_v41',
  },
  {
    name: 'Hy 3',
    template: `${history}{{ reasoning_effort }}<tool_calls><tool_call>f<tool_sep>`,
    tool: 'hy_v3',
    reasoning: 'hy_v3',
  },
  {
    name: 'Laguna',
    template: `${history}<assistant><tool_call>f<arg_key>k</arg_key>`,
    tokens: ['<assistant>'],
    tool: 'poolside_v1',
    reasoning: 'poolside_v1',
  },
  {
    name: 'Ling 3',
    template: `${history}<tool_call>f<arg_key>k</arg_key>`,
    architecture: 'BailingMoeV3ForCausalLM',
    tool: 'ling3',
    reasoning: 'ling3',
  },
  {
    name: 'Nemotron 3',
    template: `${history}${chatml}<tool_call>\n<function={{ c.name }}>`,
    architecture: 'NemotronHForCausalLM',
    tool: 'qwen3_coder',
    reasoning: 'nemotron_v3',
  },
  {
    name: 'Granite 4.2',
    template: `${calls}${history}${granite}`,
    tool: 'granite4',
    reasoning: 'granite_thinking',
  },
  {
    name: 'Step 3 with thinking',
    template: `${history}<steptml:invoke name="f">`,
    architecture: 'Step3TextForCausalLM',
    tool: 'step3',
    reasoning: 'step3',
  },
  {
    name: 'Step 3.5',
    template: `${history}${chatml}<tool_call>\n<function={{ c.name }}>`,
    architecture: 'Step3p5ForCausalLM',
    tool: 'qwen3_coder',
    reasoning: 'step3p5',
  },
  { name: 'a base model', template: '', tool: null },
]

const among = (names: readonly string[], name: string | null) =>
  name !== null && names.includes(name) ? name : null

test.each(families)(
  '$name',
  ({ template, tokens = [], architecture = '', tool, reasoning = null }) => {
    const addedTokens = new Map(tokens.map((token) => [token, {}]))
    const detected = detectParsers({ architecture, chatTemplate: template, addedTokens })
    // A format that this version has no parser for stays text.
    expect(detected).toEqual({
      toolParser: among(toolParserNames, tool),
      reasoningParser: among(reasoningParserNames, reasoning),
    })
  },
)

test('most families have a parser', () => {
  const tools = families.filter(({ tool }) => among(toolParserNames, tool) !== null)
  expect(tools.length).toBeGreaterThan(families.length / 4)
})
