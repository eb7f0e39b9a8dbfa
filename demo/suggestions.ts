/** A first message to try, with the switches it shows off. */
export type Suggestion = {
  readonly title: string
  readonly text: string
  readonly tools: boolean
  readonly thinking: boolean
  /** Sent one after the other, for what needs more than one turn. */
  readonly followUp?: string
}

export const suggestions: readonly Suggestion[] = [
  {
    title: 'Call a tool',
    text: "What's the weather in Oslo?",
    tools: true,
    thinking: false,
  },
  {
    title: 'Think it through',
    text: 'What is 47 + 38?',
    tools: false,
    thinking: true,
  },
  {
    title: 'Two tools in one turn',
    text: 'What time is it in Tokyo, and what is 18 * 44?',
    tools: true,
    thinking: false,
  },
  {
    title: 'About Quire',
    text: 'What is continuous batching?',
    tools: false,
    thinking: false,
  },
  {
    title: 'Remember me',
    text: 'My name is Ada.',
    followUp: "What's my name?",
    tools: false,
    thinking: false,
  },
]

/** Four that start at the same moment. */
export const parallelPrompts: readonly string[] = [
  'What is a paged KV cache?',
  'How do I install Quire?',
  'Does Quire work offline?',
  'Tell me a short story',
]
