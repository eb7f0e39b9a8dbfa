import { assistantMessage, type AssistantMessage, type ToolCall } from './messages.ts'
import type { StreamEvent, Usage } from './stream-events.ts'

export type CollectedChoice = {
  /** As the next request repeats it. */
  readonly message: AssistantMessage
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: string | null
  readonly stopReason: string | number | null
}

export type Collected = {
  /** In the order of their indices. */
  readonly choices: readonly CollectedChoice[]
  readonly usage: Usage | null
}

const createChoice = () => {
  const texts = { content: '', reasoning: '', refusal: '' }
  const toolCalls: ToolCall[] = []
  const end = { finishReason: null as string | null, stopReason: null as string | number | null }
  return { texts, toolCalls, end }
}

/** Puts events together again, one by one: for whoever shows them on the way. */
export const createCollector = () => {
  const choices = new Map<number, ReturnType<typeof createChoice>>()
  let usage: Usage | null = null
  return {
    /** @throws what an `error` event holds. */
    push(event: StreamEvent): void {
      if (event.type === 'error') throw event.error
      if (event.type === 'usage') {
        usage = event.usage
        return
      }
      const choice = choices.get(event.choice) ?? createChoice()
      choices.set(event.choice, choice)
      if (event.type === 'tool-call') {
        const { id, name, arguments: text } = event
        choice.toolCalls.push({ id, name, arguments: text })
      } else if (event.type === 'done') {
        const { finishReason, stopReason } = event
        choice.end = { finishReason, stopReason }
      } else if (event.type !== 'tool-call-delta') choice.texts[event.type] += event.text
    },
    result(): Collected {
      const inOrder = [...choices].sort(([a], [b]) => a - b)
      return {
        choices: inOrder.map(([, { texts, toolCalls, end }]) => ({
          message: assistantMessage({ ...texts, toolCalls }),
          toolCalls,
          ...end,
        })),
        usage,
      }
    },
  }
}

/**
 * The whole answer out of its events.
 *
 * @throws what an `error` event holds, and what reading them throws.
 */
export const collect = async (events: AsyncIterable<StreamEvent>): Promise<Collected> => {
  const collector = createCollector()
  for await (const event of events) collector.push(event)
  return collector.result()
}
