import type { ChoiceOutput } from './generation-stream.ts'
import type { HttpMetrics, ToolCallOutcome } from './http-metrics.ts'

const outcomeOf = (text: string): ToolCallOutcome => {
  try {
    JSON.parse(text)
    return 'complete'
  } catch {
    return 'incomplete'
  }
}

/** Passes outputs on and counts the tool calls of every choice that ends. */
export async function* countToolCalls(
  outputs: AsyncIterable<ChoiceOutput>,
  metrics: HttpMetrics,
  parser: string,
): AsyncGenerator<ChoiceOutput> {
  const textOf = new Map<string, string>()
  for await (const output of outputs) {
    for (const { toolCall } of output.deltas) {
      if (!toolCall) continue
      const key = `${output.index} ${toolCall.index}`
      textOf.set(key, (textOf.get(key) ?? '') + (toolCall.arguments ?? ''))
    }
    if (output.end) {
      const ended = [...textOf].filter(([key]) => key.startsWith(`${output.index} `))
      for (const [, text] of ended) metrics.countToolCall({ parser, outcome: outcomeOf(text) })
    }
    yield output
  }
}
