import type { ChoiceOutput } from './generation-stream.ts'

const merge = (earlier: ChoiceOutput | undefined, later: ChoiceOutput): ChoiceOutput =>
  earlier
    ? {
        ...later,
        deltas: [...earlier.deltas, ...later.deltas],
        newTokenIds: [...earlier.newTokenIds, ...later.newTokenIds],
        logprobs: [...earlier.logprobs, ...later.logprobs],
        promptLogprobs: earlier.promptLogprobs ?? later.promptLogprobs,
      }
    : later

/**
 * vLLM's `stream_interval`: joins the outputs of each choice until they hold so many tokens. The
 * first one and the last one go out at once.
 */
export async function* groupOutputs(
  outputs: AsyncIterable<ChoiceOutput>,
  interval: number,
): AsyncGenerator<ChoiceOutput> {
  const begun = new Set<number>()
  const waiting = new Map<number, ChoiceOutput>()
  for await (const output of outputs) {
    const { index } = output
    const grouped = merge(waiting.get(index), output)
    if (begun.has(index) && !output.end && grouped.newTokenIds.length < interval) {
      waiting.set(index, grouped)
      continue
    }
    begun.add(index)
    waiting.delete(index)
    yield grouped
  }
}
