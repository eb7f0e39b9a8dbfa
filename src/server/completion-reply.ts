import type { TokenLogprobs } from '../engine/generation.ts'
import { ChoiceTokens } from './choice-tokens.ts'
import type { ChoiceOutput } from './generation-stream.ts'
import { type CompletionToken, type LogprobsWriter, PendingLogprobs } from './logprobs.ts'
import { type Reply, usageChunk } from './reply.ts'
import type { ChoiceEnd } from './token-reader.ts'
import { withNulls } from './usage.ts'

const objectName = 'text_completion'

export type CompletionReply = Reply & {
  /** For every choice, the text put before it: its prompt, under `echo`. */
  readonly echoed: readonly string[]
  /** Null where the request does not ask for log probabilities. */
  readonly createLogprobs: (() => LogprobsWriter<CompletionToken>) | null
  /** `max_tokens: 0` with `echo`: the prompt alone, though one token was generated. */
  readonly promptOnly: boolean
  /** Each choice tells its prompt's ids and its own, also those whose text is held back. */
  readonly returnTokenIds: boolean
}

const promptTokenIds = (reply: CompletionReply, index: number): readonly number[] | null =>
  reply.returnTokenIds ? (reply.prompts[Math.floor(index / reply.choicesPerPrompt)] ?? []) : null

const outputText = (reply: CompletionReply, output: ChoiceOutput): string =>
  reply.promptOnly ? '' : output.deltas.map((delta) => delta.content ?? '').join('')

type PromptLogprobs = readonly (TokenLogprobs | null)[]

/** Collects what the choices have to tell of their tokens, those of an echoed prompt first. */
class CompletionTokens {
  readonly #reply: CompletionReply
  readonly #pending: PendingLogprobs<CompletionToken>
  readonly #prompts = new Map<number, PromptLogprobs>()
  readonly #begun = new Set<number>()

  constructor(reply: CompletionReply) {
    this.#reply = reply
    this.#pending = new PendingLogprobs(reply.createLogprobs)
  }

  /** The first choice of a prompt answers before the others, so theirs is known as well. */
  add({ index, logprobs, promptLogprobs }: ChoiceOutput): void {
    const prompt = this.#promptOf(index)
    if (promptLogprobs) this.#prompts.set(prompt, promptLogprobs)
    if (!this.#begun.has(index)) this.#pending.add(index, this.#echoed(prompt))
    this.#begun.add(index)
    if (!this.#reply.promptOnly) this.#pending.add(index, logprobs)
  }

  take(index: number): object | null {
    return this.#pending.take(index)
  }

  ofPrompt(index: number): readonly (object | null)[] | null {
    const prompt = this.#promptOf(index)
    const told = this.#prompts.get(prompt)
    return told ? this.#reply.describePrompt(prompt, told) : null
  }

  #promptOf(index: number): number {
    return Math.floor(index / this.#reply.choicesPerPrompt)
  }

  #echoed(prompt: number): readonly CompletionToken[] {
    if (this.#reply.echoed.length === 0) return []
    const tokenIds = this.#reply.prompts[prompt] ?? []
    const told = this.#prompts.get(prompt) ?? []
    return tokenIds.map((tokenId, position) => told[position] ?? { tokenId, logprob: null })
  }
}

type ToldText = { readonly text: string; readonly logprobs: object | null }
type ToldChunk = ToldText & { readonly isFirst: boolean }

const outputChunk = (
  reply: CompletionReply,
  output: ChoiceOutput,
  { text, logprobs, isFirst }: ToldChunk,
): object => {
  const { index, end, newTokenIds } = output
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
        logprobs,
        finish_reason: end?.finishReason ?? null,
        stop_reason: end?.stopReason ?? null,
        prompt_token_ids: isFirst ? promptTokenIds(reply, index) : null,
        token_ids: reply.returnTokenIds ? newTokenIds : null,
      },
    ],
    ...(reply.continuousUsage ? { usage: reply.tally.ofChoice(index) } : {}),
    ...(isLast ? { system_fingerprint: reply.systemFingerprint } : {}),
  }
}

/** The reply as vLLM's chunk objects, in the order in which they are sent. */
export async function* completionChunks(reply: CompletionReply): AsyncGenerator<object> {
  const tokens = new CompletionTokens(reply)
  const begun = new Set<number>()
  for await (const output of reply.outputs) {
    const { index, end } = output
    const isFirst = !begun.has(index)
    begun.add(index)
    reply.tally.add(output)
    tokens.add(output)
    const text = (isFirst ? (reply.echoed[index] ?? '') : '') + outputText(reply, output)
    if (text === '' && !end && !reply.returnTokenIds) continue
    yield outputChunk(reply, output, { text, logprobs: tokens.take(index), isFirst })
  }
  if (reply.includeUsage) yield usageChunk(reply, objectName)
}

type WholeChoice = ToldText & {
  readonly index: number
  readonly end: ChoiceEnd
  readonly promptLogprobs: readonly (object | null)[] | null
  readonly tokenIds: readonly number[] | null
}

const wholeChoice = (
  reply: CompletionReply,
  { index, text, logprobs, end, promptLogprobs, tokenIds }: WholeChoice,
): object => ({
  index,
  text,
  logprobs,
  finish_reason: end.finishReason,
  stop_reason: end.stopReason,
  token_ids: tokenIds,
  prompt_logprobs: promptLogprobs,
  prompt_token_ids: promptTokenIds(reply, index),
  routed_experts: null,
})

/** The whole reply as one object: the same outputs, collected. */
export const textCompletion = async (reply: CompletionReply): Promise<object> => {
  const texts = new Map(reply.echoed.entries())
  const ends = new Map<number, ChoiceEnd>()
  const tokens = new CompletionTokens(reply)
  const tokenIds = new ChoiceTokens(reply.returnTokenIds)
  for await (const output of reply.outputs) {
    reply.tally.add(output)
    tokenIds.add(output)
    texts.set(output.index, (texts.get(output.index) ?? '') + outputText(reply, output))
    tokens.add(output)
    if (output.end) ends.set(output.index, output.end)
  }
  const choices = [...ends]
    .toSorted(([a], [b]) => a - b)
    .map(([index, end]) =>
      wholeChoice(reply, {
        index,
        text: texts.get(index) ?? '',
        logprobs: tokens.take(index),
        end,
        promptLogprobs: tokens.ofPrompt(index),
        tokenIds: tokenIds.of(index),
      }),
    )
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
