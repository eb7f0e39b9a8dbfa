import { invalidParameter } from './errors.ts'
import type { ChatRequest, CommonRequest, CompletionRequest } from './validation.ts'

/** How many alternatives a request wants to see for each token; null for no log probabilities. */
export type LogprobsRequest = {
  readonly logprobs: number | null
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

const limited = (request: LogprobsRequest, vocabSize: number): LogprobsRequest => {
  checkLimit('logprobs', request.logprobs, vocabSize)
  checkLimit('prompt_logprobs', request.promptLogprobs, vocabSize)
  return request
}

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
  const asked = limited(
    {
      logprobs: logprobs ? (numTop ?? 0) : null,
      promptLogprobs: body.stream ? null : (body.prompt_logprobs ?? null),
    },
    vocabSize,
  )
  // Those of reasoning would give away what is not to be seen.
  return (body.include_reasoning ?? true) ? asked : { ...asked, logprobs: null }
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
  const ofEcho = body.echo ? logprobs : null
  const asked = body.stream ? null : body.prompt_logprobs
  return limited({ logprobs, promptLogprobs: asked ?? ofEcho }, vocabSize)
}
