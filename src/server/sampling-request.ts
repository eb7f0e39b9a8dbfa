import { resolveSamplingParams, type SamplingParams } from '../engine/sampling-params.ts'
import { EngineError } from '../errors.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import type { CommonRequest } from './validation.ts'

/** Most tokens to generate, with the name of the field that said so. */
export type RequestedTokens = { readonly field: string; readonly count: number }

/** `fallback`, or its value under `key`, where the request says nothing. */
const given = <Key extends keyof SamplingParams>(
  key: Key,
  value: SamplingParams[Key] | null | undefined,
  fallback: Partial<SamplingParams>,
): Partial<SamplingParams> => {
  const chosen = value ?? fallback[key]
  return chosen === undefined ? {} : { [key]: chosen }
}

/**
 * The sampling parameters of a request: its own fields, else the model's, else vLLM's defaults.
 *
 * @throws EngineError in vLLM's words for a value out of range.
 */
export const toSamplingParams = (
  request: CommonRequest,
  defaults: Partial<SamplingParams>,
  requested: RequestedTokens | null,
): SamplingParams => {
  const stopTokenIds = new Set([
    ...(request.stop_token_ids ?? []),
    ...(defaults.stopTokenIds ?? []),
  ])
  const params = resolveSamplingParams({
    ...given('temperature', request.temperature, defaults),
    ...given('topP', request.top_p, defaults),
    ...given('topK', request.top_k, defaults),
    ...given('minP', request.min_p, defaults),
    ...given('seed', request.seed, defaults),
    ...given('maxTokens', requested?.count, defaults),
    ...given('minTokens', request.min_tokens, defaults),
    ...given('ignoreEos', request.ignore_eos, defaults),
    stopTokenIds: [...stopTokenIds],
  })
  const n = request.n ?? 1
  if (n > 1 && params.temperature === 0) {
    throw invalidRequest(`n must be 1 when using greedy sampling, got ${n}.`, 'n')
  }
  return params
}

/** A choice's own seed: vLLM counts up from the request's. */
export const forChoice = (params: SamplingParams, choiceOfPrompt: number): SamplingParams =>
  params.seed === null ? params : { ...params, seed: params.seed + choiceOfPrompt }

/** @throws EngineError `context-length-exceeded` in vLLM's words. */
export const checkContextLength = (
  numPromptTokens: number,
  requested: RequestedTokens | null,
  maxModelLen: number,
): void => {
  if (numPromptTokens === 0) throw invalidRequest('The prompt cannot be empty.', 'prompt')
  if (requested && requested.count > maxModelLen) {
    throw invalidParameter(
      `${requested.field}=${requested.count} cannot be greater than ` +
        `max_model_len=max_total_tokens=${maxModelLen}. Please request fewer output tokens.`,
      requested.field,
      requested.count,
    )
  }
  // A prompt that just fits leaves no room for the one token that every answer has.
  const numOutputTokens = requested?.count ?? (numPromptTokens === maxModelLen ? 1 : 0)
  const numTokens = numPromptTokens + numOutputTokens
  if (numTokens <= maxModelLen) return
  throw new EngineError(
    'context-length-exceeded',
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ` +
      `${numOutputTokens} output tokens and your prompt contains ${numPromptTokens} input tokens, ` +
      `for a total of ${numTokens} tokens. Please reduce the length of the input prompt or the ` +
      `number of requested output tokens. (parameter=input_tokens, value=${numPromptTokens})`,
    { details: { parameter: 'input_tokens' } },
  )
}
