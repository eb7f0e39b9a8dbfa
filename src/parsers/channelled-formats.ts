import type { WithIds } from './call-ids.ts'
import type { ChannelledCalls } from './grammars/channelled-calls.ts'
import type { ChannelledMessages } from './grammars/message-reader.ts'
import { tagged } from './tagged-formats.ts'

const messages: ChannelledMessages = {
  kind: 'channelled-messages',
  start: '<|start|>',
  separators: [],
  bodies: ['<|message|>'],
  ends: [],
  reasoning: [],
  calls: [],
  noTools: [],
  keepsHeaders: true,
  trimsEnd: false,
  joiners: { reasoning: '\n', content: '' },
  answers: [],
  forcedEnd: '',
}

/** gpt-oss: `<|start|>assistant<|channel|>analysis<|message|>...<|end|>`. */
const harmony: ChannelledMessages = {
  ...messages,
  separators: ['<|channel|>', '<|constrain|>'],
  ends: ['<|end|>', '<|call|>', '<|return|>'],
  reasoning: ['analysis'],
  noTools: ['assistant', 'user', 'python', 'browser', 'container'],
  joiners: { reasoning: '\n', content: '\n' },
  answers: ['', '<|constrain|>json', ' <|constrain|>json'].map(
    (type) => `<|channel|>final${type}<|message|>`,
  ),
  forcedEnd: '<|end|><|start|>assistant<|channel|>final<|message|>',
}

/** `<|start|>assistant to=self<|message|>...<|eom|>`. */
const museGlimmer: ChannelledMessages = {
  ...messages,
  ends: ['<|eom|>', '<|eot|>'],
  reasoning: ['to=self'],
  noTools: ['self', 'user'],
  answers: [' to=user<|message|>'],
  forcedEnd: '<|eom|><|start|>assistant to=user<|message|>',
}

/** `<|message_model|><|content_thinking|>...<|end_message|>`. */
const inkling: ChannelledMessages = {
  ...messages,
  start: '<|message_model|>',
  bodies: [
    '<|content_thinking|>',
    '<|content_text|>',
    '<|content_invoke_tool_json|>',
    '<|content_invoke_tool_text|>',
    '<|content_tool_error|>',
  ],
  ends: ['<|end_message|>', '<|content_model_end_sampling|>'],
  reasoning: ['<|content_thinking|>'],
  calls: ['<|content_invoke_tool_json|>'],
  keepsHeaders: false,
  trimsEnd: true,
  joiners: { reasoning: '', content: '' },
  answers: ['<|content_text|>'],
  forcedEnd: '<|end_message|><|message_model|><|content_text|>',
}

/** Reasoning formats in messages, by vLLM's names. */
export const channelledReasoning = {
  openai_gptoss: harmony,
  muse_glimmer: museGlimmer,
  inkling,
} satisfies Record<string, ChannelledMessages>

/** Tool formats in messages, by vLLM's names. */
export const channelledCalls = {
  openai: {
    kind: 'channelled-calls',
    messages: harmony,
    namePrefix: 'functions.',
    body: null,
    ids: 'chatcmpl-tool',
  },
  muse_glimmer: {
    kind: 'channelled-calls',
    messages: museGlimmer,
    namePrefix: '',
    body: tagged('atem:function_calls', {
      call: {
        open: '<atem:invoke ',
        end: '>',
        attribute: 'name',
        close: '</atem:invoke>',
      },
      parameter: {
        open: '<atem:parameter ',
        end: '>',
        attribute: 'name',
        valueOpen: null,
        close: '</atem:parameter>',
        typeAttribute: null,
      },
      untyped: 'literal',
    }),
    ids: 'chatcmpl-tool',
  },
} satisfies Record<string, WithIds<ChannelledCalls>>
