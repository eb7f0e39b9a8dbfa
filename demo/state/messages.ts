import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'

export type ToolCall = {
  readonly id: string
  readonly name: string
  readonly arguments: string
  readonly status: 'writing' | 'running' | 'done' | 'failed'
  readonly result: string
}

/** One request to the model: what it thought, said and called. */
export type Round = {
  readonly reasoning: string
  /** Null while it thinks, and when it did not. */
  readonly reasoningMs: number | null
  readonly content: string
  readonly toolCalls: readonly ToolCall[]
}

export type Speed = {
  readonly tokens: number
  readonly tokensPerSecond: number
  readonly firstTokenMs: number
}

export type UserMessage = { readonly id: string; readonly role: 'user'; readonly text: string }

export type AssistantMessage = {
  readonly id: string
  readonly role: 'assistant'
  readonly rounds: readonly Round[]
  readonly status: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  /** Why it failed, or what the reader should know about how it ended. */
  readonly note: string | null
  readonly speed: Speed | null
}

export type Message = UserMessage | AssistantMessage

export const emptyRound: Round = { reasoning: '', reasoningMs: null, content: '', toolCalls: [] }

export const isLive = (message: AssistantMessage): boolean =>
  message.status === 'waiting' || message.status === 'streaming'

/** All that an assistant message says, thoughts and tools apart. */
export const answerText = (message: AssistantMessage): string =>
  message.rounds
    .map((round) => round.content.trim())
    .filter((content) => content !== '')
    .join('\n\n')

const roundParams = (round: Round): ChatCompletionMessageParam[] => {
  if (round.toolCalls.length === 0) {
    return round.content === '' ? [] : [{ role: 'assistant', content: round.content }]
  }
  return [
    {
      role: 'assistant',
      content: round.content === '' ? null : round.content,
      tool_calls: round.toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: call.arguments },
      })),
    },
    ...round.toolCalls.map((call): ChatCompletionMessageParam => ({
      role: 'tool',
      tool_call_id: call.id,
      content: call.result,
    })),
  ]
}

/** The conversation as a chat request carries it; earlier thoughts are not sent again. */
export const toRequestMessages = (messages: readonly Message[]): ChatCompletionMessageParam[] =>
  messages.flatMap((message): ChatCompletionMessageParam[] =>
    message.role === 'user'
      ? [{ role: 'user', content: message.text }]
      : message.rounds.flatMap(roundParams),
  )
