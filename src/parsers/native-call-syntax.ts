import { quoteText } from './grammars/json-text.ts'

/**
 * How a model writes calls whose arguments are JSON, for holding it to them: `open`, then the calls
 * with `separator` between them, then `close`. A call is `begin`, its arguments, `end`.
 */
export type NativeCallSyntax = {
  readonly open: string
  readonly begin: (name: string, index: number) => string
  readonly end: string
  readonly separator: string
  readonly close: string
}

const beginObject = (before: string, name: string, args: string) => (tool: string) =>
  `${before}{"${name}": ${quoteText(tool)}, "${args}": `

/** Each call between markers of its own. */
const each = (marker: string, close: string, separator = '\n', args = 'arguments') => ({
  open: '',
  begin: beginObject(marker, 'name', args),
  end: `}${close}`,
  separator,
  close: '',
})

/** All calls in one list. */
const list = (marker: string, close: string, name = 'name', args = 'arguments') => ({
  open: `${marker}[`,
  begin: beginObject('', name, args),
  end: '}',
  separator: ', ',
  close: `]${close}`,
})

const hermes = each('<tool_call>\n', '\n</tool_call>')
const llama = each('', '', '; ', 'parameters')
const cohere = list('<|START_ACTION|>', '<|END_ACTION|>', 'tool_name', 'parameters')

const deepseekSection = {
  open: '<｜tool▁calls▁begin｜>',
  close: '<｜tool▁calls▁end｜>',
}

const syntaxes: Readonly<Record<string, NativeCallSyntax>> = {
  hermes,
  granite4: hermes,
  ernie45: hermes,
  longcat: each('<longcat_tool_call>\n', '\n</longcat_tool_call>'),
  'granite-20b-fc': each('<function_call> ', ''),
  granite: list('<|tool_call|>', ''),
  jamba: list('<tool_calls>', '</tool_calls>'),
  hunyuan_a13b: list('<tool_calls>', '</tool_calls>'),
  internlm: each('<|action_start|><|plugin|>', '<|action_end|>', '\n', 'parameters'),
  gigachat3: each('<|message_sep|>\n\nfunction call<|role_sep|>\n', ''),
  apertus: {
    open: '<|tools_prefix|>[',
    begin: (name) => `{${quoteText(name)}: `,
    end: '}',
    separator: ', ',
    close: ']<|tools_suffix|>',
  },
  cohere_command3: cohere,
  cohere_command4: cohere,
  cohere_command: cohere,
  inkling: each('<|content_invoke_tool_json|>', '<|end_message|>', '', 'args'),
  llama3_json: llama,
  llama4_json: llama,
  xlam: list('', ''),
  phi4_mini_json: list('functools', ''),
  mistral: {
    open: '',
    begin: (name) => `[TOOL_CALLS]${name}[ARGS]`,
    end: '',
    separator: '',
    close: '',
  },
  deepseek_v3: {
    ...deepseekSection,
    begin: (name) => `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${name}\n\`\`\`json\n`,
    end: '\n```<｜tool▁call▁end｜>',
    separator: '\n',
  },
  deepseek_v31: {
    ...deepseekSection,
    begin: (name) => `<｜tool▁call▁begin｜>${name}<｜tool▁sep｜>`,
    end: '<｜tool▁call▁end｜>',
    separator: '',
  },
  kimi_k2: {
    open: '<|tool_calls_section_begin|>',
    begin: (name, index) =>
      `<|tool_call_begin|>functions.${name}:${index}<|tool_call_argument_begin|>`,
    end: '<|tool_call_end|>',
    separator: '',
    close: '<|tool_calls_section_end|>',
  },
}

/** A tool parser's call syntax; null where the arguments are not written as JSON. */
export const nativeCallSyntax = (toolParser: string): NativeCallSyntax | null =>
  (Object.hasOwn(syntaxes, toolParser) ? syntaxes[toolParser] : undefined) ?? null
