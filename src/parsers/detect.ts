/** vLLM's parser names for a model, null for none. */
export type DetectedParsers = {
  readonly toolParser: string | null
  readonly reasoningParser: string | null
}

/**
 * Guesses the parsers from what the chat template writes and the vocabulary holds. Both can be
 * overridden when the model is loaded.
 */
export const detectParsers = (
  chatTemplate: string,
  addedTokens: ReadonlyMap<string, unknown>,
): DetectedParsers => ({
  toolParser: chatTemplate.includes('<tool_call>') ? 'hermes' : null,
  reasoningParser:
    addedTokens.has('</think>') || chatTemplate.includes('</think>') ? 'qwen3' : null,
})
