import { describe, expect, test } from 'vitest'
import {
  compileChatTemplate,
  loadChatTemplate,
  type ChatMessage,
  type ChatTemplateInput,
} from '../../../src/tokenizer/chat-template.ts'
import { formatTime } from '../../../src/tokenizer/template-environment.ts'
import { readChatFixture, readStarterFiles } from './fixtures.ts'

type Arguments = {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly unknown[]
  readonly documents?: readonly unknown[]
  readonly add_generation_prompt?: boolean
  readonly continue_final_message?: boolean
  readonly [variable: string]: unknown
}

const toInput = (given: Arguments): ChatTemplateInput => {
  const { messages, tools, documents, add_generation_prompt, continue_final_message, ...kwargs } =
    given
  return {
    messages,
    ...(tools ? { tools } : {}),
    ...(documents ? { documents } : {}),
    addGenerationPrompt: add_generation_prompt ?? false,
    continueFinalMessage: continue_final_message ?? false,
    kwargs,
  }
}

const none = { bosToken: null, eosToken: null }
const user = { role: 'user', content: 'Hi' }

const fails = (source: string, input: Partial<ChatTemplateInput>) => () =>
  compileChatTemplate(source, none).render({
    messages: [user],
    addGenerationPrompt: false,
    ...input,
  })

const renderLoaded = (config: unknown, extra: Partial<ChatTemplateInput> = {}) =>
  loadChatTemplate(config)?.render({
    messages: [user],
    addGenerationPrompt: false,
    ...extra,
  })

describe('against transformers', () => {
  const { templates, tokens, cases } = readChatFixture()
  test.each(cases.map((sample, index) => ({ ...sample, index })))(
    '$index $template',
    ({ template, arguments: given, rendered, error }) => {
      const compiled = compileChatTemplate(templates[template] ?? '', tokens)
      const { messages, ...rest } = given
      if (!Array.isArray(messages)) throw new Error('the fixture has no messages')
      const render = () => compiled.render(toInput({ messages, ...rest }))
      if (error === undefined) expect(render()).toBe(rendered)
      else expect(render).toThrow(error)
    },
  )
})

describe('the starter model', () => {
  const template = loadChatTemplate(readStarterFiles().tokenizerConfig)

  test('renders a turn and opens the next one', () => {
    const rendered = template?.render({ messages: [user], addGenerationPrompt: true })
    expect(rendered).toMatch(/<\|im_start\|>user\nHi<\|im_end\|>\n<\|im_start\|>assistant\n$/)
  })

  test('closes the thinking when asked to', () => {
    const rendered = template?.render({
      messages: [user],
      addGenerationPrompt: true,
      kwargs: { enable_thinking: false },
    })
    expect(rendered).toMatch(/<think>\n\n<\/think>\n\n$/)
  })
})

describe('failures', () => {
  test.each([
    ['raise_exception', "{{ raise_exception('No system role') }}", {}, /^No system role$/],
    ['a call of nothing', '{{ messages.nope() }}', {}, /function/],
    [
      'both modes',
      'x',
      { continueFinalMessage: true, addGenerationPrompt: true },
      /Cannot set both/,
    ],
    ['nothing to continue', 'x', { continueFinalMessage: true, messages: [] }, /no messages/],
    [
      'no text to continue',
      'x',
      {
        continueFinalMessage: true,
        messages: [{ role: 'assistant', content: [{ type: 'image' }] }],
      },
      /no text/,
    ],
    ['a template without the content', 'x', { continueFinalMessage: true }, /does not appear/],
  ])('%s is an invalid request', (_, source, input, message) => {
    expect(fails(source, input)).toThrow(message)
    expect(fails(source, input)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  })

  test.each([
    ['a filter that is not there', '{{ [1] | sum }}', /filter: sum/],
    ['a test with arguments', '{{ 4 is divisibleby(2) }}', /can't be read/],
    ['more rounds than the sandbox of transformers allows', '{{ range(100001) }}', /Range too big/],
    ['a text without bounds', "{{ 'ab' * 1000000000 }}", /too long/],
    ['a macro without end', '{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}', /call/],
    ['a method on something else', '{{ messages.rsplit() }}', /rsplit\(\) works on a string/],
  ])('%s is refused', (_, source, message) => {
    expect(fails(source, {})).toThrow(expect.objectContaining({ code: 'invalid-request' }))
    expect(fails(source, {})).toThrow(message)
  })

  test('a template that does not parse', () => {
    expect(() => compileChatTemplate('{% if %}', none)).toThrow(
      expect.objectContaining({ code: 'invalid-request' }),
    )
    expect(() => loadChatTemplate({ chat_template: '{% if %}' })).toThrow(
      expect.objectContaining({ code: 'invalid-file' }),
    )
  })
})

describe('continuing the final message', () => {
  const source = '{% for m in messages %}{{ m.content[0].text | trim }}|{% endfor %}'
  test('cuts after the last text part, trimmed as the template trims', () => {
    const content = [{ type: 'text', text: ' It is ' }, { type: 'image' }]
    const rendered = compileChatTemplate(source, none).render({
      messages: [{ role: 'assistant', content }],
      addGenerationPrompt: false,
      continueFinalMessage: true,
    })
    expect(rendered).toBe('It is')
    expect(content[0]?.text).toBe(' It is ')
  })
})

describe('loadChatTemplate', () => {
  const named = {
    chat_template: [
      { name: 'default', template: 'plain{{ eos_token }}' },
      { name: 'tool_use', template: 'tools' },
    ],
    eos_token: { content: '</s>' },
  }
  test('takes the named template that serves the request', () => {
    expect(renderLoaded(named)).toBe('plain</s>')
    expect(renderLoaded(named, { tools: [] })).toBe('tools')
  })

  test('knows all named special tokens', () => {
    const names = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((name) => `${name}_token`)
    const config = {
      chat_template: names.map((name) => `{{ ${name} }}`).join(),
      ...Object.fromEntries(names.map((name) => [name, { content: `<${name}>` }])),
    }
    expect(renderLoaded(config)).toBe(names.map((name) => `<${name}>`).join())
  })

  test.each([[null], [{}], [{ chat_template: [] }], [{ chat_template: null }]])(
    'finds none in %j',
    (config) => {
      expect(loadChatTemplate(config)).toBeNull()
    },
  )
})

test('dates are English whatever the locale, as in Python', () => {
  const date = new Date(2026, 2, 5, 15, 7, 9)
  expect(formatTime(date, '%d %B %Y, %b %y %A %a %j %H:%M:%S %I%p %m %% %Q')).toBe(
    '05 March 2026, Mar 26 Thursday Thu 064 15:07:09 03PM 03 % %Q',
  )
})
