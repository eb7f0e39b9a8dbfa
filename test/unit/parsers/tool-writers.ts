/** A call as a request's history has it. */
export type WrittenCall = {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** Writes calls as a model of the format is taught to. */
export type CallWriter = {
  readonly write: (calls: readonly WrittenCall[]) => string
  /** Whether arguments come back byte for byte. */
  readonly isVerbatim: boolean
  /** What a string argument cannot hold, since the format has no way to escape it. */
  readonly forbidden: RegExp | null
}

const json = (value: unknown) => JSON.stringify(value)

const jsonFormat = (
  write: (calls: readonly WrittenCall[]) => string,
  forbidden: RegExp | null = null,
): CallWriter => ({ write, isVerbatim: true, forbidden })

const object = (call: WrittenCall, name = 'name', key = 'arguments') =>
  `{${json(name)}: ${json(call.name)}, ${json(key)}: ${json(call.arguments)}}`

/** Each call between markers of its own. */
const each = (open: string, close: string, separator = '\n', key = 'arguments') =>
  jsonFormat((calls) =>
    calls.map((call) => open + object(call, 'name', key) + close).join(separator),
  )

/** All calls as one list. */
const list = (open: string, close: string, name = 'name', key = 'arguments') =>
  jsonFormat(
    (calls) => `${open}[${calls.map((call) => object(call, name, key)).join(', ')}]${close}`,
  )

const hermes = each('<tool_call>\n', '\n</tool_call>')
const llama = jsonFormat((calls) =>
  calls.map((call) => object(call, 'name', 'parameters')).join('; '),
)
const cohere = list('<|START_ACTION|>', '<|END_ACTION|>', 'tool_name', 'parameters')

/** A value as Python writes it. */
const python = (value: unknown): string => {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return json(value)
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value !== 'object') return json(value)
  const fields = Object.entries(value).map(([key, item]) => `${json(key)}: ${python(item)}`)
  return `{${fields.join(', ')}}`
}

const pythonCall = (call: WrittenCall) =>
  `${call.name}(${Object.entries(call.arguments)
    .map(([key, value]) => `${key}=${python(value)}`)
    .join(', ')})`

const pythonFormat = (open: string, separator: string, close: string): CallWriter => ({
  write: (calls) => open + calls.map(pythonCall).join(separator) + close,
  isVerbatim: false,
  forbidden: null,
})

/** A value as Gemma writes it: strings between quotes of its own, names of fields bare. */
const gemma = (value: unknown, quote: string): string => {
  if (typeof value === 'string') return quote + value + quote
  if (Array.isArray(value)) return `[${value.map((item) => gemma(item, quote)).join(',')}]`
  if (typeof value !== 'object' || value === null) return json(value)
  const fields = Object.entries(value).map(([key, item]) => `${key}:${gemma(item, quote)}`)
  return `{${fields.join(',')}}`
}

const gemmaFormat = (open: string, quote: string, close: string): CallWriter => ({
  write: (calls) =>
    calls.map((call) => `${open}call:${call.name}${gemma(call.arguments, quote)}${close}`).join(''),
  isVerbatim: false,
  forbidden: /[<>|]/,
})

/** A value as it stands between tags. */
const bare = (value: unknown) => (typeof value === 'string' ? value : json(value))

type TagWriters = {
  readonly call: (name: string, fields: string) => string
  readonly field: (key: string, value: unknown) => string
  readonly open?: string
  readonly close?: string
  readonly separator?: string
  readonly forbidden?: RegExp
}

const tagFormat = ({ call, field, ...rest }: TagWriters): CallWriter => ({
  write: (calls) => {
    const written = calls.map(({ name, arguments: fields }) =>
      call(
        name,
        Object.entries(fields)
          .map(([key, value]) => field(key, value))
          .join(''),
      ),
    )
    return (rest.open ?? '') + written.join(rest.separator ?? '\n') + (rest.close ?? '')
  },
  isVerbatim: false,
  forbidden: rest.forbidden ?? /</,
})

const coder = (wrapper: string) =>
  tagFormat({
    call: (name, fields) => `<${wrapper}>\n<function=${name}>\n${fields}</function>\n</${wrapper}>`,
    field: (key, value) => `<parameter=${key}>\n${bare(value)}\n</parameter>\n`,
  })
const pair = (key: string, value: unknown) =>
  `<arg_key>${key}</arg_key>\n<arg_value>${bare(value)}</arg_value>\n`
const glm = tagFormat({
  call: (name, fields) => `<tool_call>${name}\n${fields}</tool_call>`,
  field: pair,
})
const invoke = (wrapper: string) =>
  tagFormat({
    open: `<${wrapper}>\n`,
    call: (name, fields) => `<invoke name="${name}">\n${fields}</invoke>`,
    field: (key, value) => `<parameter name="${key}">${bare(value)}</parameter>\n`,
    close: `\n</${wrapper}>`,
  })
const deepseek = (wrapper: string, space: string) => {
  const tag = (name: string) => `｜DSML｜${space}${name}`
  return tagFormat({
    open: `<${tag(wrapper)}>\n`,
    call: (name, fields) => `<${tag('invoke')} name="${name}">\n${fields}</${tag('invoke')}>`,
    field: (key, value) =>
      `<${tag('parameter')} name="${key}" string="${typeof value === 'string'}">${bare(value)}</${tag('parameter')}>\n`,
    close: `\n</${tag(wrapper)}>`,
  })
}

const prefix = ']<]minimax[>['
/** A value as child elements; a scalar is text. */
const elements = (value: unknown): string => {
  if (Array.isArray(value)) {
    return value.map((item) => `${prefix}<item>${elements(item)}${prefix}</item>`).join('')
  }
  if (typeof value !== 'object' || value === null) return bare(value)
  return Object.entries(value)
    .map(([key, item]) => `${prefix}<${key}>${elements(item)}${prefix}</${key}>`)
    .join('')
}

const typeName = (value: unknown) => {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Formats in messages, each with a header of its own. */
const channelled = (
  header: (name: string) => string,
  body: (call: WrittenCall) => string,
  end: string,
): CallWriter => ({
  write: (calls) => calls.map((call) => header(call.name) + body(call) + end).join(''),
  isVerbatim: false,
  forbidden: /[<>|]/,
})

/** One writer a parser, written from the models' chat templates and not from the parsers. */
export const callWriters: Readonly<Record<string, CallWriter>> = {
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
  apertus: jsonFormat(
    (calls) =>
      `<|tools_prefix|>[${calls.map((call) => `{${json(call.name)}: ${json(call.arguments)}}`).join(', ')}]<|tools_suffix|>`,
  ),
  cohere_command3: cohere,
  cohere_command4: cohere,
  cohere_command: cohere,
  inkling: each('<|content_invoke_tool_json|>', '<|end_message|>', '', 'args'),
  llama3_json: llama,
  llama4_json: llama,
  xlam: list('', ''),
  phi4_mini_json: list('functools', ''),
  mistral: jsonFormat((calls) =>
    calls.map((call) => `[TOOL_CALLS]${call.name}[ARGS]${json(call.arguments)}`).join(''),
  ),
  deepseek_v3: jsonFormat(
    (calls) =>
      `<｜tool▁calls▁begin｜>${calls
        .map(
          (call) =>
            `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${call.name}\n\`\`\`json\n${json(call.arguments)}\n\`\`\`<｜tool▁call▁end｜>`,
        )
        .join('\n')}<｜tool▁calls▁end｜>`,
  ),
  deepseek_v31: jsonFormat(
    (calls) =>
      `<｜tool▁calls▁begin｜>${calls
        .map(
          (call) =>
            `<｜tool▁call▁begin｜>${call.name}<｜tool▁sep｜>${json(call.arguments)}<｜tool▁call▁end｜>`,
        )
        .join('')}<｜tool▁calls▁end｜>`,
  ),
  kimi_k2: jsonFormat(
    (calls) =>
      `<|tool_calls_section_begin|>${calls
        .map(
          (call, index) =>
            `<|tool_call_begin|>functions.${call.name}:${index}<|tool_call_argument_begin|>${json(call.arguments)}<|tool_call_end|>`,
        )
        .join('')}<|tool_calls_section_end|>`,
  ),
  pythonic: pythonFormat('[', ', ', ']'),
  llama4_pythonic: pythonFormat('<|python_start|>[', ', ', ']<|python_end|>'),
  olmo3: pythonFormat('<function_calls>', '\n', '</function_calls>'),
  lfm2: pythonFormat('<|tool_call_start|>[', ', ', ']<|tool_call_end|>'),
  functiongemma: gemmaFormat('<start_function_call>', '<escape>', '<end_function_call>'),
  gemma4: gemmaFormat('<|tool_call>', '<|"|>', '<tool_call|>'),
  qwen3_coder: coder('tool_call'),
  qwen3_xml: coder('tool_call'),
  mimo: coder('tool_call'),
  nemotron: coder('tool_call'),
  step3p5: coder('tool_call'),
  seed_oss: coder('seed:tool_call'),
  glm45: glm,
  glm47: glm,
  ling3: glm,
  poolside_v1: glm,
  hy_v3: tagFormat({
    open: '<tool_calls>\n',
    call: (name, fields) => `<tool_call>${name}<tool_sep>\n${fields}</tool_call>`,
    field: pair,
    close: '\n</tool_calls>',
  }),
  solar_open2: tagFormat({
    call: (name, fields) => `<|tool_call:start|>${name}\n${fields}<|tool_call:end|>`,
    field: (key, value) =>
      `<|tool_arg:start|>${key}<|tool_arg:value|>${bare(value)}<|tool_arg:end|>\n`,
  }),
  minimax_m2: invoke('minimax:tool_call'),
  dots: invoke('dots_function_call'),
  minimax_m3: tagFormat({
    open: `${prefix}<tool_call>\n`,
    call: (name, fields) => `${prefix}<invoke name="${name}">\n${fields}${prefix}</invoke>`,
    field: (key, value) => `${prefix}<${key}>${elements(value)}${prefix}</${key}>\n`,
    close: `\n${prefix}</tool_call>`,
    forbidden: /[\]<>[]/,
  }),
  openai: channelled(
    (name) =>
      `<|start|>assistant<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>`,
    (call) => json(call.arguments),
    '<|call|>',
  ),
  muse_glimmer: channelled(
    (name) => `<|start|>assistant to=${name}<|message|>`,
    (call) =>
      `<atem:invoke name="${call.name}">${Object.entries(call.arguments)
        .map(([key, value]) => `<atem:parameter name="${key}">${bare(value)}</atem:parameter>`)
        .join('')}</atem:invoke>`,
    '<|eom|>',
  ),
  deepseek_v32: deepseek('function_calls', ''),
  deepseek_v4: deepseek('tool_calls', ''),
  deepseek_v41: deepseek('calls', ' '),
  step3: tagFormat({
    open: '<｜tool_calls_begin｜>',
    call: (name, fields) =>
      `<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="${name}">${fields}</steptml:invoke><｜tool_call_end｜>`,
    field: (key, value) => `<steptml:parameter name="${key}">${bare(value)}</steptml:parameter>`,
    close: '<｜tool_calls_end｜>',
    forbidden: /<|^\s|\s$/,
  }),
  minicpm5: tagFormat({
    call: (name, fields) => `<function name="${name}">${fields}</function>`,
    field: (key, value) =>
      `<param name="${key}">${/[<&]/.test(bare(value)) ? `<![CDATA[${bare(value)}]]>` : bare(value)}</param>`,
    forbidden: /]|^\s|\s$/,
  }),
  kimi_k3: tagFormat({
    open: '<|open|>tools<|sep|>',
    call: (name, fields) =>
      `<|open|>call tool="${name}" index="1"<|sep|>${fields}<|close|>call<|sep|>`,
    field: (key, value) =>
      `<|open|>argument key="${key}" type="${typeName(value)}"<|sep|>${bare(value)}<|close|>argument<|sep|>`,
    close: '<|close|>tools<|sep|>',
    separator: '',
  }),
}

const schemaOf = (value: unknown): object => {
  if (value === null) return { type: 'null' }
  if (Array.isArray(value)) return { type: 'array', items: schemaOf(value[0] ?? '') }
  if (typeof value === 'object') {
    const fields = Object.entries(value).map(([key, item]) => [key, schemaOf(item)])
    return { type: 'object', properties: Object.fromEntries(fields) }
  }
  return { type: Number.isInteger(value) ? 'integer' : typeof value }
}

/** Tools that such calls would be made of. */
export const toolsOf = (calls: readonly WrittenCall[]) =>
  calls.map((call) => ({
    type: 'function',
    function: { name: call.name, parameters: schemaOf(call.arguments) },
  }))
