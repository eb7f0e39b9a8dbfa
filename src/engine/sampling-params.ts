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
  /** End-of-sequence ids are not looked at before this many tokens were generated. */
  readonly minTokens: number
  /** Ids that end the request besides the model's end-of-sequence ids. */
  readonly stopTokenIds: readonly number[]
  /** Go on after the model's end-of-sequence ids. */
  readonly ignoreEos: boolean
}

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
}

/** Below this temperature vLLM samples greedily. */
const greedyTemperature = 1e-5
/** vLLM raises smaller temperatures to this one. */
const smallestTemperature = 0.01

const refuse = (parameter: string, message: string): never => {
  throw new EngineError('invalid-request', message, { details: { parameter } })
}

const isInteger = (value: number, low: number) => Number.isInteger(value) && value >= low

/**
 * Fills in the defaults, checks the ranges and settles what greedy means, as vLLM does.
 *
 * @throws EngineError `invalid-request` with vLLM's wording for a value out of range; `details`
 * carries the parameter's name.
 */
export const resolveSamplingParams = (given: Partial<SamplingParams>): SamplingParams => {
  const params = { ...defaultSamplingParams, ...given }
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
  if (params.seed !== null && !Number.isInteger(params.seed)) {
    refuse('seed', `seed must be an integer, got ${params.seed}.`)
  }
  if (temperature < greedyTemperature) {
    return { ...params, temperature: 0, topK: 0, topP: 1, minP: 0 }
  }
  return {
    ...params,
    temperature: Math.max(temperature, smallestTemperature),
    topK: Math.max(topK, 0),
  }
}
