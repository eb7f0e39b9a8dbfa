/** One piece of parsed output. Exactly one of the fields is set. */
export type OutputDelta = {
  readonly reasoning?: string
  readonly content?: string
  readonly toolCall?: ToolCallDelta
}

/** The first delta of a call carries `id` and the whole `name`, the later ones raw `arguments`. */
export type ToolCallDelta = {
  /** Counts the calls of one output from 0. */
  readonly index: number
  readonly id?: string
  readonly name?: string
  readonly arguments?: string
}

const joinable = (first: OutputDelta, second: OutputDelta): OutputDelta | null => {
  if (first.reasoning !== undefined && second.reasoning !== undefined) {
    return { reasoning: first.reasoning + second.reasoning }
  }
  if (first.content !== undefined && second.content !== undefined) {
    return { content: first.content + second.content }
  }
  const [a, b] = [first.toolCall, second.toolCall]
  if (a?.arguments === undefined || b?.arguments === undefined || a.index !== b.index) return null
  return { toolCall: { ...a, arguments: a.arguments + b.arguments } }
}

/** Joins neighbours of one kind, so that a push yields as few deltas as it can. */
export const joinDeltas = (deltas: readonly OutputDelta[]): OutputDelta[] => {
  const joined: OutputDelta[] = []
  for (const delta of deltas) {
    const last = joined.at(-1)
    const both = last && joinable(last, delta)
    if (both) joined[joined.length - 1] = both
    else joined.push(delta)
  }
  return joined
}
