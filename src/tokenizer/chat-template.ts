/** A message as chat templates expect it (Hugging Face's shape). */
export type ChatMessage = {
  readonly role: string
  readonly content?: unknown
  readonly tool_calls?: readonly unknown[]
  readonly [field: string]: unknown
}

export type ChatTemplateInput = {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly unknown[]
  readonly documents?: readonly unknown[]
  readonly addGenerationPrompt: boolean
  readonly continueFinalMessage?: boolean
  /** Extra variables, such as `enable_thinking`. */
  readonly kwargs?: Readonly<Record<string, unknown>>
}

/** A compiled chat template: messages to prompt text. */
export type ChatTemplate = {
  readonly source: string
  render(input: ChatTemplateInput): string
}
