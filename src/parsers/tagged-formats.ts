import type { WithIds } from './call-ids.ts'
import type { TaggedCalls } from './grammars/tagged-calls.ts'

const parameterTag: TaggedCalls['parameter'] = {
  open: '<parameter ',
  end: '>',
  attribute: 'name',
  valueOpen: null,
  close: '</parameter>',
  typeAttribute: null,
}

export const tagged = (
  wrapper: string | null,
  changes: Partial<WithIds<TaggedCalls>>,
): WithIds<TaggedCalls> => ({
  kind: 'tagged-calls',
  wrappers: wrapper === null ? [] : [`<${wrapper}>`, `</${wrapper}>`],
  layout: [],
  call: { open: '<invoke ', end: '>', attribute: 'name', close: '</invoke>' },
  parameter: parameterTag,
  trims: 'none',
  untyped: 'string',
  verbatim: null,
  elementPrefix: null,
  refusesUnknown: false,
  whole: null,
  unwraps: [],
  ids: 'chatcmpl-tool',
  ...changes,
})

/** `<function=name>` with `<parameter=key>` in it. */
const coder = (wrapper: string) =>
  tagged(wrapper, {
    call: { open: '<function=', end: '>', attribute: null, close: '</function>' },
    parameter: { ...parameterTag, open: '<parameter=', attribute: null },
    trims: 'newline',
  })

const pairTag: TaggedCalls['parameter'] = {
  ...parameterTag,
  open: '<arg_key>',
  end: '</arg_key>',
  attribute: null,
  valueOpen: '<arg_value>',
  close: '</arg_value>',
}
const glm = tagged(null, {
  call: { open: '<tool_call>', end: null, attribute: null, close: '</tool_call>' },
  parameter: pairTag,
  refusesUnknown: true,
})

const deepseek = (wrapper: string, space: string) =>
  tagged(`｜DSML｜${space}${wrapper}`, {
    call: {
      open: `<｜DSML｜${space}invoke `,
      end: '>',
      attribute: 'name',
      close: `</｜DSML｜${space}invoke>`,
    },
    parameter: {
      ...parameterTag,
      open: `<｜DSML｜${space}parameter `,
      close: `</｜DSML｜${space}parameter>`,
      typeAttribute: 'string',
    },
    unwraps: ['arguments', 'input'],
  })

const elementPrefix = ']<]minimax[>['

export const taggedFormats = {
  qwen3_coder: coder('tool_call'),
  qwen3_xml: coder('tool_call'),
  mimo: coder('tool_call'),
  nemotron: coder('tool_call'),
  step3p5: coder('tool_call'),
  seed_oss: coder('seed:tool_call'),
  glm45: glm,
  glm47: glm,
  ling3: glm,
  poolside_v1: { ...glm, untyped: 'literal', refusesUnknown: false },
  hy_v3: tagged('tool_calls', {
    call: { ...glm.call, end: '<tool_sep>' },
    parameter: pairTag,
  }),
  solar_open2: tagged(null, {
    call: { open: '<|tool_call:start|>', end: '\n', attribute: null, close: '<|tool_call:end|>' },
    parameter: {
      ...pairTag,
      open: '<|tool_arg:start|>',
      end: '<|tool_arg:value|>',
      valueOpen: null,
      close: '<|tool_arg:end|>',
    },
  }),
  minimax_m2: tagged('minimax:tool_call', { refusesUnknown: true }),
  minimax_m3: tagged(null, {
    wrappers: [`${elementPrefix}<tool_call>`, `${elementPrefix}</tool_call>`],
    call: {
      open: `${elementPrefix}<invoke `,
      end: '>',
      attribute: 'name',
      close: `${elementPrefix}</invoke>`,
    },
    parameter: {
      ...parameterTag,
      open: `${elementPrefix}<`,
      attribute: null,
      close: `${elementPrefix}</{name}>`,
    },
    elementPrefix,
  }),
  deepseek_v32: deepseek('function_calls', ''),
  deepseek_v4: deepseek('tool_calls', ''),
  deepseek_v41: deepseek('calls', ' '),
  step3: tagged(null, {
    layout: [
      '<｜tool_calls_begin｜>',
      '<｜tool_call_begin｜>function<｜tool_sep｜>',
      '<｜tool_call_end｜>',
      '<｜tool_calls_end｜>',
    ],
    call: { open: '<steptml:invoke ', end: '>', attribute: 'name', close: '</steptml:invoke>' },
    parameter: {
      ...parameterTag,
      open: '<steptml:parameter ',
      close: '</steptml:parameter>',
    },
    trims: 'space',
  }),
  minicpm5: tagged('arguments', {
    call: { open: '<function', end: '>', attribute: 'name', close: '</function>' },
    parameter: { ...parameterTag, open: '<param', close: '</param>' },
    trims: 'space',
    untyped: 'literal',
    verbatim: { open: '<![CDATA[', close: ']]>' },
    unwraps: ['properties', 'arguments'],
    ids: 'call',
  }),
  kimi_k3: tagged(null, {
    layout: [
      '<|open|>tools<|sep|>',
      '<|close|>tools<|sep|>',
      '<|open|>response<|sep|>',
      '<|close|>response<|sep|>',
      '<|close|>message<|sep|>',
    ],
    call: {
      open: '<|open|>call ',
      end: '<|sep|>',
      attribute: 'tool',
      close: '<|close|>call<|sep|>',
    },
    parameter: {
      ...parameterTag,
      open: '<|open|>argument ',
      end: '<|sep|>',
      attribute: 'key',
      close: '<|close|>argument<|sep|>',
      typeAttribute: 'type',
    },
    whole: { open: '<|open|>json type="object"<|sep|>', close: '<|close|>json<|sep|>' },
  }),
} satisfies Record<string, WithIds<TaggedCalls>>
