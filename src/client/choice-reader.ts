import type { ToolCall } from './messages.ts'

/**
 * What happens in a choice. `choice` is its index, 0 unless the request asked for several (`n`).
 */
export type ChoiceEvent = { readonly choice: number } & (
  | { readonly type: 'content'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'refusal'; readonly text: string }
  /** The next piece of a call's arguments: of the call numbered `index` in its choice. */
  | {
      readonly type: 'tool-call-delta'
      readonly index: number
      readonly id: string
      readonly name: string
      readonly text: string
    }
  /** A call is complete. Servers write one after the other: the next one's start ends it. */
  | ({ readonly type: 'tool-call'; readonly index: number } & ToolCall)
  | {
      readonly type: 'done'
      /** null where the server closed the stream properly, but gave no reason for this choice. */
      readonly finishReason: string | null
      /** vLLM's: the stop string or stop token id that matched. */
      readonly stopReason: string | number | null
    }
)

type ToolCallDelta = {
  readonly index?: number | null
  readonly id?: string | null
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null } | null
}

type Delta = {
  readonly content?: string | null
  /** vLLM's name, and the one that it had before and that others still use. Some send both. */
  readonly reasoning?: string | null
  readonly reasoning_content?: string | null
  readonly refusal?: string | null
  readonly tool_calls?: readonly ToolCallDelta[] | null
}

export type ChunkChoice = {
  readonly index?: number
  readonly delta?: Delta | null
  /** Of an answer that is not streamed. */
  readonly message?: Delta | null
  /** Of a completion. */
  readonly text?: string | null
  readonly finish_reason?: string | null
  readonly stop_reason?: string | number | null
}

/** Turns the chunks of one choice into events. */
export const createChoiceReader = (choice: number) => {
  let call: (ToolCall & { readonly index: number }) | null = null
  let numCalls = 0
  let numbered = 0
  let done = false

  function* completeCall(): Generator<ChoiceEvent> {
    if (call) yield { type: 'tool-call', choice, ...call }
    call = null
  }

  // Not every server numbers its calls, and some number all of them 0.
  const isNext = ({ id, index }: ToolCallDelta): boolean =>
    call === null || Boolean(id && id !== call.id) || (index ?? numbered) !== numbered

  function* readCall(delta: ToolCallDelta): Generator<ChoiceEvent> {
    const isNew = isNext(delta)
    if (isNew) yield* completeCall()
    numbered = delta.index ?? numbered
    const index = isNew ? numCalls++ : numCalls - 1
    const text = delta.function?.arguments ?? ''
    call = {
      index,
      id: delta.id || call?.id || `call_${index}`,
      name: delta.function?.name || call?.name || '',
      arguments: (call?.arguments ?? '') + text,
    }
    yield { type: 'tool-call-delta', choice, index, id: call.id, name: call.name, text }
  }

  function* finish(
    finishReason: string | null,
    stopReason: string | number | null,
  ): Generator<ChoiceEvent> {
    yield* completeCall()
    done = true
    yield { type: 'done', choice, finishReason, stopReason }
  }

  return {
    isDone: () => done,
    finish,
    *read(chunk: ChunkChoice): Generator<ChoiceEvent> {
      const delta = chunk.delta ?? chunk.message ?? {}
      const reasoning = delta.reasoning || delta.reasoning_content
      if (reasoning) yield { type: 'reasoning', choice, text: reasoning }
      const content = delta.content || chunk.text
      if (content) yield { type: 'content', choice, text: content }
      if (delta.refusal) yield { type: 'refusal', choice, text: delta.refusal }
      for (const call of delta.tool_calls ?? []) yield* readCall(call)
      if (chunk.finish_reason) yield* finish(chunk.finish_reason, chunk.stop_reason ?? null)
    },
  }
}
