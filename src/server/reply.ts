import type { TokenLogprobs } from '../engine/generation.ts'
import type { ChoiceOutput } from './generation-stream.ts'
import { nowInSeconds, responseId, systemFingerprint } from './ids.ts'
import { describePromptLogprobs } from './logprobs.ts'
import type { RouteContext } from './route.ts'
import { createUsageTally, type UsageTally } from './usage.ts'
import type { CommonRequest } from './validation.ts'

/** What every chunk and body of one reply says, and how much of it. */
export type Reply = {
  readonly id: string
  readonly created: number
  readonly model: string
  readonly systemFingerprint: string
  /** The running request, for one iteration. */
  readonly outputs: AsyncIterable<ChoiceOutput>
  readonly tally: UsageTally
  /** The token ids of every prompt. */
  readonly prompts: readonly (readonly number[])[]
  readonly numChoices: number
  /** Choice `promptIndex * choicesPerPrompt + i` answers that prompt. */
  readonly choicesPerPrompt: number
  /** The field `prompt_logprobs`, of what the engine told of a prompt. */
  readonly describePrompt: (
    promptIndex: number,
    promptLogprobs: readonly (TokenLogprobs | null)[],
  ) => readonly (object | null)[]
  readonly includeUsage: boolean
  /** Every chunk tells the usage so far. */
  readonly continuousUsage: boolean
}

export type ReplyHead = Omit<Reply, 'outputs'>

export const createReplyHead = (
  prefix: 'chatcmpl' | 'cmpl',
  context: RouteContext,
  request: CommonRequest,
  prompts: Reply['prompts'],
): ReplyHead => {
  const { model, version } = context
  const n = request.n ?? 1
  const numPromptTokens = prompts.map((tokenIds) => tokenIds.length)
  const includeUsage = request.stream_options?.include_usage ?? false
  return {
    id: responseId(prefix, context.request.headers, request.request_id),
    created: nowInSeconds(),
    model: model.id,
    systemFingerprint: systemFingerprint(version, model.id),
    tally: createUsageTally(numPromptTokens, n),
    prompts,
    numChoices: prompts.length * n,
    choicesPerPrompt: n,
    describePrompt: (promptIndex, promptLogprobs) =>
      describePromptLogprobs(prompts[promptIndex] ?? [], promptLogprobs, model.tokenizer),
    includeUsage,
    continuousUsage: includeUsage && (request.stream_options?.continuous_usage_stats ?? false),
  }
}

/** The chunk after the last one with a choice; nulls are left out of it. */
export const usageChunk = (reply: Reply, objectName: string): object => ({
  id: reply.id,
  object: objectName,
  created: reply.created,
  model: reply.model,
  choices: [],
  usage: reply.tally.total(),
  system_fingerprint: reply.systemFingerprint,
})
