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

const checkNotNegative = (field: string, value: number | null | undefined) => {
  if (value == null || value >= 0 || value === wholeVocabulary) return
  throw invalidParameter(`\`${field}\` must be a positive value or -1.`, field, value)
}

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

const checkPromptLogprobs = ({ prompt_logprobs: asked, stream }: CommonRequest) => {
  if (stream && asked != null && (asked > 0 || asked === wholeVocabulary)) {
    throw invalidParameter(
      '`prompt_logprobs` are not available when `stream=True`.',
      'prompt_logprobs',
    )
  }
  checkNotNegative('prompt_logprobs', asked)
}

type AskedLogprobs = Omit<LogprobsRequest, 'logprobTokenIds'> & {
  readonly body: CommonRequest
  /** What the field `logprobs` must be where ids are named: `set`, or `set to true`. */
  readonly needed: string
}

const readTokenIds = ({ body, logprobs, needed }: AskedLogprobs, vocabSize: number) => {
  const field = 'logprob_token_ids'
  const tokenIds = body.logprob_token_ids
  if (tokenIds == null) return null
  if (tokenIds.length === 0) {
    throw invalidParameter(`\`${field}\` must not be an empty list.`, field)
  }
  if (body.use_beam_search) {
    throw invalidParameter(`\`${field}\` is not supported with beam search.`, field)
  }
  if (logprobs === null) {
    throw invalidParameter(`when using \`${field}\`, \`logprobs\` must be ${needed}.`, field)
  }
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

/** Named ids take the place of the most likely ones, however many of those are asked for. */
const limited = (asked: AskedLogprobs, vocabSize: number): LogprobsRequest => {
  const logprobTokenIds = readTokenIds(asked, vocabSize)
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
export const chatLogprobs = (body: ChatRequest, vocabSize: number): LogprobsRequest => {
  const { logprobs, top_logprobs: numTop } = body
  checkPromptLogprobs(body)
  checkNotNegative('top_logprobs', numTop)
  if (numTop && !logprobs) {
    throw invalidParameter(
      'when using `top_logprobs`, `logprobs` must be set to true.',
      'top_logprobs',
    )
  }
  return limited(
    {
      body,
      needed: 'set to true',
      logprobs: logprobs ? (numTop ?? 0) : null,
      promptLogprobs: body.stream ? null : (body.prompt_logprobs ?? null),
    },
    vocabSize,
  )
}

/**
 * An echoed prompt has its log probabilities before those of the answer.
 *
 * @throws EngineError a 400 in vLLM's words.
 */
export const completionLogprobs = (body: CompletionRequest, vocabSize: number): LogprobsRequest => {
  checkPromptLogprobs(body)
  checkNotNegative('logprobs', body.logprobs)
  const logprobs = body.logprobs ?? null
  if (body.logprob_token_ids && body.echo && body.max_tokens === 0) {
    throw invalidParameter(
      '`logprob_token_ids` is not supported when `echo=True` and `max_tokens=0` because no output ' +
        'tokens are generated.',
      'logprob_token_ids',
    )
  }
  const ofEcho = body.echo ? logprobs : null
  const asked = body.stream ? null : body.prompt_logprobs
  const promptLogprobs = asked ?? ofEcho
  return limited({ body, needed: 'set', logprobs, promptLogprobs }, vocabSize)
}
