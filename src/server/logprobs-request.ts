import { maxLogprobTokenIds } from '../engine/sampling-params.ts'
import { invalidParameter } from './errors.ts'
import { checkVocabulary } from './token-constraints.ts'
import type { ChatRequest, CommonRequest, CompletionRequest } from './validation.ts'

/** Which alternatives a request wants to see for each token. */
export type LogprobsRequest = {
  /** How many; null for no log probabilities. */
  readonly logprobs: number | null
  /** Each once; null for the most likely. */
  readonly logprobTokenIds: readonly number[] | null
  readonly promptLogprobs: number | null
}

/** vLLM's `--max-logprobs`. */
const mostLogprobs = 20
/** Asks for the whole vocabulary, which is always more than {@link mostLogprobs}. */
const wholeVocabulary = -1

const checkLimit = (
  field: 'logprobs' | 'prompt_logprobs',
  asked: number | null,
  vocabSize: number,
) => {
  const count = asked === wholeVocabulary ? vocabSize : (asked ?? 0)
  if (count <= mostLogprobs) return
  throw invalidParameter(
    `Requested ${field === 'logprobs' ? 'sample' : 'prompt'} logprobs of ${count}, ` +
      `which is greater than max allowed: ${mostLogprobs}`,
    field,
    count,
  )
}

/** An empty list asks for nothing, as in vLLM. */
const readTokenIds = ({ logprob_token_ids: tokenIds }: CommonRequest, vocabSize: number) => {
  const field = 'logprob_token_ids'
  if (!tokenIds?.length) return null
  if (tokenIds.length > maxLogprobTokenIds) {
    throw invalidParameter(
      `Requested ${field} of length ${tokenIds.length}, ` +
        `which is greater than max allowed: ${maxLogprobTokenIds}`,
      field,
      tokenIds.length,
    )
  }
  checkVocabulary(field, tokenIds, vocabSize)
  return [...new Set(tokenIds)]
}

type AskedLogprobs = Omit<LogprobsRequest, 'logprobTokenIds'> & { readonly body: CommonRequest }

/** Named ids take the place of the most likely ones, however many of those are asked for. */
const limited = (asked: AskedLogprobs, vocabSize: number): LogprobsRequest => {
  const logprobTokenIds = readTokenIds(asked.body, vocabSize)
  const { promptLogprobs } = asked
  const logprobs = logprobTokenIds?.length ?? asked.logprobs
  if (logprobTokenIds === null) checkLimit('logprobs', logprobs, vocabSize)
  checkLimit('prompt_logprobs', promptLogprobs, vocabSize)
  return { logprobs, logprobTokenIds, promptLogprobs }
}

/** How many alternatives a reply lists for each token: all there are where their ids are named. */
export const numListed = ({ logprobs, logprobTokenIds }: LogprobsRequest): number | null =>
  logprobTokenIds === null ? logprobs : Number.POSITIVE_INFINITY

/** @throws EngineError a 400 in vLLM's words. */
export const chatLogprobs = (body: ChatRequest, vocabSize: number): LogprobsRequest =>
  limited(
    {
      body,
      logprobs: body.logprobs ? (body.top_logprobs ?? 0) : null,
      promptLogprobs: body.stream ? null : (body.prompt_logprobs ?? null),
    },
    vocabSize,
  )

/**
 * An echoed prompt has its log probabilities before those of the answer.
 *
 * @throws EngineError a 400 in vLLM's words.
 */
export const completionLogprobs = (body: CompletionRequest, vocabSize: number): LogprobsRequest => {
  const logprobs = body.logprobs ?? null
  const ofEcho = body.echo ? logprobs : null
  const asked = body.stream ? null : body.prompt_logprobs
  return limited({ body, logprobs, promptLogprobs: asked ?? ofEcho }, vocabSize)
}
