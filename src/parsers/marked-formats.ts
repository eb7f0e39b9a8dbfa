import type { WithIds } from './call-ids.ts'
import type { HeaderCall } from './grammars/header-call-reader.ts'
import type { CallKeys } from './grammars/json-call-reader.ts'
import type { MarkedCalls } from './grammars/marked-calls.ts'
import { literalSyntax } from './grammars/value-reader.ts'

const keys: CallKeys = {
  kind: 'object',
  name: 'name',
  arguments: ['arguments', 'parameters'],
  requiresArguments: false,
}
/** Where any JSON may be meant, an object is a call only with both keys. */
const strictKeys: CallKeys = { ...keys, requiresArguments: true }

export const marked = (changes: Partial<WithIds<MarkedCalls>>): WithIds<MarkedCalls> => ({
  kind: 'marked-calls',
  openings: [],
  bare: null,
  layout: [],
  separators: '',
  calls: [keys],
  ids: 'chatcmpl-tool',
  ...changes,
})
export const between = (marker: string, close: string | null) => ({ openings: [{ marker, close }] })

const header = (changes: Partial<HeaderCall>): HeaderCall => ({
  kind: 'header',
  before: '',
  after: [],
  counter: null,
  syntax: literalSyntax,
  ...changes,
})

const llamaJson = marked({
  ...between('<|python_tag|>', null),
  bare: 'anywhere',
  separators: ';',
  calls: [strictKeys],
})

const cohere = marked({
  ...between('<|START_ACTION|>', '<|END_ACTION|>'),
  layout: ['<|START_RESPONSE|>', '<|END_RESPONSE|>', '<|START_TEXT|>', '<|END_TEXT|>'],
  calls: [{ ...keys, name: 'tool_name', arguments: ['parameters', 'arguments'] }],
})

export const markedFormats = {
  hermes: marked(between('<tool_call>', '</tool_call>')),
  longcat: marked(between('<longcat_tool_call>', '</longcat_tool_call>')),
  granite4: marked(between('<tool_call>', '</tool_call>')),
  ernie45: marked({
    ...between('<tool_call>', '</tool_call>'),
    layout: ['<response>', '</response>'],
  }),
  'granite-20b-fc': marked(between('<function_call>', null)),
  granite: marked({
    openings: [
      { marker: '<|tool_call|>', close: null },
      { marker: '<tool_call>', close: '</tool_call>' },
    ],
    bare: 'start',
    calls: [strictKeys],
  }),
  jamba: marked({ ...between('<tool_calls>', '</tool_calls>') }),
  hunyuan_a13b: marked({
    layout: ['<answer>', '</answer>'],
    openings: [
      { marker: '<tool_calls>', close: '</tool_calls>' },
      { marker: '<think>', close: '</think>', isContent: true, isVerbatim: true },
    ],
    ids: 'call',
  }),
  internlm: marked(between('<|action_start|><|plugin|>', '<|action_end|>')),
  gigachat3: marked({
    openings: [
      { marker: '<|function_call|>', close: null },
      { marker: 'function call<|role_sep|>', close: null },
    ],
    layout: ['<|message_sep|>\n\n', '<|message_sep|>'],
  }),
  apertus: marked({
    ...between('<|tools_prefix|>', '<|tools_suffix|>'),
    calls: [{ ...keys, name: null, arguments: [] }],
  }),
  cohere_command3: cohere,
  cohere_command4: cohere,
  cohere_command: cohere,
  inkling: marked({
    ...between('<|content_invoke_tool_json|>', '<|end_message|>'),
    layout: ['<|message_model|>', '<|content_text|>', '<|end_message|>'],
    calls: [{ ...keys, arguments: ['args', 'arguments'] }],
  }),
  llama3_json: llamaJson,
  llama4_json: llamaJson,
  xlam: marked({
    openings: [
      { marker: '```json', close: '```' },
      { marker: '```', close: '```' },
      { marker: '[TOOL_CALLS]', close: null },
      { marker: '<tool_call>', close: '</tool_call>' },
      { marker: '</think>', close: null, isContent: true },
    ],
    bare: 'start',
    calls: [strictKeys],
    ids: 'call',
  }),
  phi4_mini_json: marked({ ...between('functools', null) }),
  mistral: marked({
    ...between('[TOOL_CALLS]', null),
    calls: [header({ after: ['[ARGS]', '[CALL_ID]'] }), keys],
    ids: 'alphanumeric',
  }),
  deepseek_v3: marked({
    ...between('<｜tool▁call▁begin｜>', '<｜tool▁call▁end｜>'),
    layout: ['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'],
    separators: '`',
    calls: [header({ before: 'function<｜tool▁sep｜>', after: ['```json'] })],
  }),
  deepseek_v31: marked({
    ...between('<｜tool▁call▁begin｜>', '<｜tool▁call▁end｜>'),
    layout: ['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'],
    calls: [header({ after: ['<｜tool▁sep｜>'] })],
  }),
  kimi_k2: marked({
    ...between('<|tool_call_begin|>', '<|tool_call_end|>'),
    layout: ['<|tool_calls_section_begin|>', '<|tool_calls_section_end|>'],
    calls: [
      header({ before: 'functions.', after: ['<|tool_call_argument_begin|>'], counter: ':' }),
    ],
  }),
  pythonic: marked({ bare: 'start', calls: [{ kind: 'python' }] }),
  llama4_pythonic: marked({
    ...between('<|python_start|>', '<|python_end|>'),
    bare: 'start',
    calls: [{ kind: 'python' }],
  }),
  olmo3: marked({
    ...between('<function_calls>', '</function_calls>'),
    calls: [{ kind: 'python' }],
  }),
  lfm2: marked({
    openings: [{ marker: '<|tool_call_start|>', close: '<|tool_call_end|>', isEchoed: true }],
    calls: [{ kind: 'python' }],
  }),
  functiongemma: marked({
    ...between('<start_function_call>', '<end_function_call>'),
    calls: [header({ before: 'call:', syntax: { quotes: ['<escape>', '"'] } })],
  }),
  gemma4: marked({
    ...between('<|tool_call>', '<tool_call|>'),
    calls: [header({ before: 'call:', syntax: { quotes: ['<|"|>', '"'] } })],
  }),
} satisfies Record<string, WithIds<MarkedCalls>>
