/** A call that the model asked for, with the arguments as it wrote them. */
export type ToolCall = {
  readonly id: string
  readonly name: string
  /** JSON, if the model made no mistake and was not cut off: see `parseArguments`. */
  readonly arguments: string
}

/**
 * A message of a request; another library's type of one will do. What other fields a role has is
 * the server's affair.
 */
export type ChatMessage =
  | { readonly role: string; readonly [field: string]: unknown }
  // An interface, as other libraries declare theirs, fits no index signature.
  | { readonly role: string; readonly content?: unknown }

export type AssistantMessage = {
  readonly role: 'assistant'
  /** null where the model only called tools. */
  readonly content: string | null
  readonly reasoning?: string
  readonly refusal?: string
  /** To be written to, as other libraries want it. */
  readonly tool_calls?: {
    readonly id: string
    readonly type: 'function'
    readonly function: { readonly name: string; readonly arguments: string }
  }[]
}

export type ToolMessage = {
  readonly role: 'tool'
  readonly tool_call_id: string
  readonly content: string
}

export type AssistantParts = {
  readonly content?: string
  readonly reasoning?: string
  readonly refusal?: string
  readonly toolCalls?: readonly ToolCall[]
}

/**
 * What the model said, as the next request repeats it. The reasoning goes along: templates show it
 * to the model as long as it calls tools, and drop it afterwards.
 */
export const assistantMessage = (parts: AssistantParts): AssistantMessage => {
  const { content = '', reasoning = '', refusal = '', toolCalls = [] } = parts
  const calls = toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: text },
  }))
  return {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(refusal === '' ? {} : { refusal }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
}

/**
 * What a tool gave, for the model to read: text as it is, anything else as JSON.
 *
 * @throws TypeError for a value that JSON can't hold (a cycle, a BigInt).
 */
export const toolMessage = (call: Pick<ToolCall, 'id'>, result: unknown): ToolMessage => ({
  role: 'tool',
  tool_call_id: call.id,
  content: typeof result === 'string' ? result : (JSON.stringify(result) ?? 'null'),
})
