import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import type { Round, ToolCall } from './messages.ts'

/** A round that is still being written. */
export type Draft = { -readonly [Key in keyof Round]: Round[Key] }
// Not among the OpenAI client's types: vLLM's name and the older one that it still sends.
type ReasoningDelta = { reasoning?: string | null; reasoning_content?: string | null }
export type RoundDelta = ChatCompletionChunk.Choice.Delta & ReasoningDelta

const addToolDeltas = (
  calls: readonly ToolCall[],
  deltas: NonNullable<ChatCompletionChunk.Choice.Delta['tool_calls']>,
): ToolCall[] => {
  const next = [...calls]
  for (const { index, id, function: part } of deltas) {
    const call = next[index] ?? { id: '', name: '', arguments: '', status: 'writing', result: '' }
    next[index] = {
      ...call,
      id: id ?? call.id,
      name: part?.name ?? call.name,
      arguments: call.arguments + (part?.arguments ?? ''),
    }
  }
  return next
}

/**
 * Adds one chunk's delta to the round. Returns whether the reader sees a difference.
 *
 * @param elapsedMs since the round's first chunk; the thoughts' duration when the answer begins.
 */
export const addDelta = (round: Draft, delta: RoundDelta, elapsedMs: number) => {
  const { reasoning, reasoning_content: older } = delta
  const thought = reasoning ?? older ?? ''
  const isAnswering = Boolean(delta.content) || Boolean(delta.tool_calls?.length)
  if (isAnswering && round.reasoning !== '') {
    round.reasoningMs ??= elapsedMs
  }
  round.reasoning += thought
  round.content += delta.content ?? ''
  if (delta.tool_calls) round.toolCalls = addToolDeltas(round.toolCalls, delta.tool_calls)
  return thought !== '' || isAnswering
}

/** Leaves a round that broke off in a state that the next request can carry. */
export const giveUp = (round: Draft): void => {
  // An id, a name and whole arguments are what the next request needs to hold a call.
  round.toolCalls = round.toolCalls
    .filter((call) => call.status !== 'writing')
    .map((call) =>
      call.status === 'running'
        ? { ...call, status: 'failed', result: '{"error":"Stopped by the user."}' }
        : call,
    )
}
