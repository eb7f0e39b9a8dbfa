import type { ChoiceEnd, ChoiceOutput } from './generation-stream.ts'
import { type Reply, usageChunk } from './reply.ts'
import { withNulls } from './usage.ts'

const objectName = 'text_completion'

export type CompletionReply = Reply & {
  /** For every choice, the text put before it: its prompt, under `echo`. */
  readonly echoed: readonly string[]
  /** `max_tokens: 0` with `echo`: the prompt alone, though one token was generated. */
  readonly promptOnly: boolean
}

const outputText = (reply: CompletionReply, output: ChoiceOutput): string =>
  reply.promptOnly ? '' : output.deltas.map((delta) => delta.content ?? '').join('')

const outputChunk = (reply: CompletionReply, output: ChoiceOutput, text: string): object => {
  const { index, end } = output
  const isLast = end !== null && !reply.includeUsage
  return {
    id: reply.id,
    object: objectName,
    created: reply.created,
    model: reply.model,
    choices: [
      {
        index,
        text,
        logprobs: null,
        finish_reason: end?.finishReason ?? null,
        stop_reason: end?.stopReason ?? null,
        prompt_token_ids: null,
        token_ids: null,
      },
    ],
    ...(reply.continuousUsage ? { usage: reply.tally.ofChoice(index) } : {}),
    ...(isLast ? { system_fingerprint: reply.systemFingerprint } : {}),
  }
}

/** The reply as vLLM's chunk objects, in the order in which they are sent. */
export async function* completionChunks(reply: CompletionReply): AsyncGenerator<object> {
  const toEcho = new Map(reply.echoed.entries())
  for await (const output of reply.outputs) {
    reply.tally.add(output)
    const text = (toEcho.get(output.index) ?? '') + outputText(reply, output)
    toEcho.delete(output.index)
    if (text !== '' || output.end) yield outputChunk(reply, output, text)
  }
  if (reply.includeUsage) yield usageChunk(reply, objectName)
}

const wholeChoice = (index: number, text: string, end: ChoiceEnd): object => ({
  index,
  text,
  logprobs: null,
  finish_reason: end.finishReason,
  stop_reason: end.stopReason,
  token_ids: null,
  prompt_logprobs: null,
  prompt_token_ids: null,
  routed_experts: null,
})

/** The whole reply as one object: the same outputs, collected. */
export const textCompletion = async (reply: CompletionReply): Promise<object> => {
  const texts = new Map(reply.echoed.entries())
  const ends = new Map<number, ChoiceEnd>()
  for await (const output of reply.outputs) {
    reply.tally.add(output)
    texts.set(output.index, (texts.get(output.index) ?? '') + outputText(reply, output))
    if (output.end) ends.set(output.index, output.end)
  }
  const choices = [...ends]
    .toSorted(([a], [b]) => a - b)
    .map(([index, end]) => wholeChoice(index, texts.get(index) ?? '', end))
  return {
    id: reply.id,
    object: objectName,
    created: reply.created,
    model: reply.model,
    choices,
    service_tier: null,
    system_fingerprint: reply.systemFingerprint,
    usage: withNulls(reply.tally.total()),
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  }
}
