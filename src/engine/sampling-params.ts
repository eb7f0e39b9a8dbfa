import { EngineError } from '../errors.ts'

/** How the next token is drawn, with vLLM's names and meanings. Token ids only, no strings. */
export type SamplingParams = {
  /** 0 is greedy. Otherwise logits are divided by it before the softmax. */
  readonly temperature: number
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK: number
  /** Keep the smallest set of most likely tokens whose probability reaches this, in (0, 1]. */
  readonly topP: number
  /** Drop tokens less likely than this times the most likely one, in [0, 1]. */
  readonly minP: number
  /** A token's random number depends on (seed, position) alone. Drawn at random when null. */
  readonly seed: number | null
  /** Most tokens to generate, or null for as many as the context holds. */
  readonly maxTokens: number | null
  /** End-of-sequence and stop ids can't be drawn before this many tokens were generated. */
  readonly minTokens: number
  /** Ids that end the request besides the model's end-of-sequence ids. */
  readonly stopTokenIds: readonly number[]
  /** Go on after the model's end-of-sequence ids. */
  readonly ignoreEos: boolean
  /** Above 1 makes tokens of the prompt and the output less likely, below 1 more; above 0. */
  readonly repetitionPenalty: number
  /** Subtracted from the logits of tokens that the output has, in [-2, 2]. */
  readonly presencePenalty: number
  /** Subtracted from a token's logit as often as the output has it, in [-2, 2]. */
  readonly frequencyPenalty: number
  /** Added to logits before the penalties: (token id, bias), each id once. */
  readonly logitBias: readonly (readonly [tokenId: number, bias: number])[]
  /** The only ids that may be drawn; null for all. */
  readonly allowedTokenIds: readonly number[] | null
  /** Runs of ids that the output must not contain: the last id of each is never drawn after the others. */
  readonly badWordsTokenIds: readonly (readonly number[])[]
  /**
   * Report the log probability of each drawn token and of this many most likely ones, from the
   * logits as the model gave them, in [0, maxLogprobs]; null for none.
   */
  readonly logprobs: number | null
  /**
   * Report the log probabilities of exactly these ids, in this order, instead of the most likely
   * ones; `logprobs` is their number then. Null for the most likely.
   */
  readonly logprobTokenIds: readonly number[] | null
  /** The same for the tokens of the prompt; computes the whole prompt, cached or not. */
  readonly promptLogprobs: number | null
}

/** Most alternatives whose log probabilities a request may ask for: twice the widest beam. */
export const maxLogprobs = 32
/** Most ids whose log probabilities a request may ask for by name, as in vLLM. */
export const maxLogprobTokenIds = 128
/** Most ids that one request may bias or ban, so that a step's input has a bounded size. */
export const maxAdjustedTokenIds = 1024

export const defaultSamplingParams: SamplingParams = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: null,
  maxTokens: null,
  minTokens: 0,
  stopTokenIds: [],
  ignoreEos: false,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: [],
  allowedTokenIds: null,
  badWordsTokenIds: [],
  logprobs: null,
  logprobTokenIds: null,
  promptLogprobs: null,
}

/** vLLM raises temperatures below to this one, all but 0, which is greedy. */
const smallestTemperature = 0.01

const refuse = (parameter: string, message: string): never => {
  throw new EngineError('invalid-request', message, { details: { parameter } })
}

const isInteger = (value: number, low: number) => Number.isInteger(value) && value >= low

const isPenalty = (value: number): boolean => value >= -2 && value <= 2

const checkPenalties = (params: SamplingParams): void => {
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = params
  if (!isPenalty(presencePenalty)) {
    refuse('presence_penalty', `presence_penalty must be in [-2, 2], got ${presencePenalty}.`)
  }
  if (!isPenalty(frequencyPenalty)) {
    refuse('frequency_penalty', `frequency_penalty must be in [-2, 2], got ${frequencyPenalty}.`)
  }
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty))) {
    refuse(
      'repetition_penalty',
      `repetition_penalty must be greater than zero, got ${repetitionPenalty}.`,
    )
  }
}

const checkLists = (params: SamplingParams): void => {
  const { allowedTokenIds, logprobs, promptLogprobs, logitBias } = params
  if (allowedTokenIds?.length === 0) {
    refuse('allowed_token_ids', 'allowed_token_ids is not None and empty!')
  }
  if (params.badWordsTokenIds.some((word) => word.length === 0)) {
    refuse('bad_words', 'bad_words cannot contain an empty string.')
  }
  const notFinite = logitBias.find(([, bias]) => !Number.isFinite(bias))
  if (notFinite) {
    refuse('logit_bias', `logit_bias must be finite, got ${notFinite[1]} for ${notFinite[0]}.`)
  }
  checkLogprobs('logprobs', params.logprobTokenIds === null ? logprobs : null)
  checkLogprobs('prompt_logprobs', promptLogprobs)
}

const checkLogprobs = (parameter: string, value: number | null): void => {
  if (value === null || (isInteger(value, 0) && value <= maxLogprobs)) return
  refuse(parameter, `${parameter} must be an integer in [0, ${maxLogprobs}], got ${value}.`)
}

const checkLogprobTokenIds = ({ logprobs, logprobTokenIds }: SamplingParams): void => {
  if (logprobTokenIds === null) return
  const count = logprobTokenIds.length
  if (count === 0) refuse('logprob_token_ids', '`logprob_token_ids` must not be an empty list.')
  if (count > maxLogprobTokenIds) {
    refuse(
      'logprob_token_ids',
      `Requested logprob_token_ids of length ${count}, which is greater than max allowed: ` +
        `${maxLogprobTokenIds}`,
    )
  }
  if (logprobs !== null && logprobs !== count) {
    refuse(
      'logprob_token_ids',
      'When both logprobs and logprob_token_ids are set, logprobs must equal ' +
        `len(logprob_token_ids). Got logprobs=${logprobs}, len(logprob_token_ids)=${count}.`,
    )
  }
}

/**
 * Fills in the defaults, checks the ranges and settles what greedy means, as vLLM does.
 *
 * @throws EngineError `invalid-request` with vLLM's wording for a value out of range; `details`
 * carries the parameter's name.
 */
export const resolveSamplingParams = (given: Partial<SamplingParams>): SamplingParams => {
  const asked = { ...defaultSamplingParams, ...given }
  const params = { ...asked, logprobs: asked.logprobs ?? asked.logprobTokenIds?.length ?? null }
  const { temperature, topK, topP, minP, maxTokens, minTokens } = params
  if (!(temperature >= 0)) {
    refuse('temperature', `temperature must be non-negative, got ${temperature}.`)
  }
  if (temperature > 2) refuse('temperature', `temperature must be in [0, 2], got ${temperature}.`)
  if (!(topP > 0 && topP <= 1)) refuse('top_p', `top_p must be in (0, 1], got ${topP}.`)
  if (!(minP >= 0 && minP <= 1)) refuse('min_p', `min_p must be in [0, 1], got ${minP}.`)
  if (topK !== -1 && !isInteger(topK, 0)) {
    refuse('top_k', `top_k must be 0 (disable), or at least 1, got ${topK}.`)
  }
  if (maxTokens !== null && !isInteger(maxTokens, 1)) {
    refuse('max_tokens', `max_tokens must be at least 1, got ${maxTokens}.`)
  }
  if (!isInteger(minTokens, 0)) {
    refuse('min_tokens', `min_tokens must be greater than or equal to 0, got ${minTokens}.`)
  }
  if (maxTokens !== null && minTokens > maxTokens) {
    refuse(
      'min_tokens',
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`,
    )
  }
  checkPenalties(params)
  checkLists(params)
  checkLogprobTokenIds(params)
  if (params.seed !== null && !Number.isInteger(params.seed)) {
    refuse('seed', `seed must be an integer, got ${params.seed}.`)
  }
  if (temperature === 0) return { ...params, temperature: 0, topK: 0, topP: 1, minP: 0 }
  return {
    ...params,
    temperature: Math.max(temperature, smallestTemperature),
    topK: Math.max(topK, 0),
  }
}
