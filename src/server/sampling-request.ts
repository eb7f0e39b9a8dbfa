import { resolveSamplingParams, type SamplingParams } from '../engine/sampling-params.ts'
import { EngineError } from '../errors.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import type { LogprobsRequest } from './logprobs-request.ts'
import type { ServedModel } from './served-model.ts'
import { toTokenConstraints } from './token-constraints.ts'
import type { CommonRequest } from './validation.ts'

/** Most tokens to generate, with the name of the field that said so. */
export type RequestedTokens = { readonly field: string; readonly count: number }

/** `fallback`, or its value under `key`, where the request says nothing. */
const choose = <Key extends keyof SamplingParams>(
  key: Key,
  value: SamplingParams[Key] | null | undefined,
  fallback: Partial<SamplingParams>,
): Partial<SamplingParams> => {
  const chosen = value ?? fallback[key]
  return chosen === undefined ? {} : { [key]: chosen }
}

export type SamplingRequest = {
  readonly request: CommonRequest
  readonly model: ServedModel
  readonly requested: RequestedTokens | null
  readonly logprobs: LogprobsRequest
}

/**
 * The sampling parameters of a request: its own fields, else the model's, else vLLM's defaults.
 *
 * @throws EngineError in vLLM's words for a value out of range.
 */
export const toSamplingParams = (given: SamplingRequest): SamplingParams => {
  const { request, model, requested, logprobs } = given
  const { tokenizer, defaultSamplingParams: defaults } = model
  const stopTokenIds = new Set([
    ...(request.stop_token_ids ?? []),
    ...(defaults.stopTokenIds ?? []),
  ])
  const params = resolveSamplingParams({
    ...choose('temperature', request.temperature, defaults),
    ...choose('topP', request.top_p, defaults),
    ...choose('topK', request.top_k, defaults),
    ...choose('minP', request.min_p, defaults),
    ...choose('presencePenalty', request.presence_penalty, defaults),
    ...choose('frequencyPenalty', request.frequency_penalty, defaults),
    ...choose('repetitionPenalty', request.repetition_penalty, defaults),
    ...choose('seed', request.seed, defaults),
    ...choose('maxTokens', requested?.count, defaults),
    ...choose('minTokens', request.min_tokens, defaults),
    ...choose('ignoreEos', request.ignore_eos, defaults),
    ...toTokenConstraints(request, { tokenizer, vocabSize: model.engine.vocabSize }),
    ...logprobs,
    stopTokenIds: [...stopTokenIds],
  })
  const n = request.n ?? 1
  if (n > 1 && params.temperature === 0 && !request.use_beam_search) {
    throw invalidRequest(`n must be 1 when using greedy sampling, got ${n}.`, 'n')
  }
  return params
}

/**
 * A choice's own parameters. vLLM counts up from the request's seed; the prompt is the same for all
 * choices, so one of them tells its log probabilities.
 */
export const forChoice = (params: SamplingParams, choiceOfPrompt: number): SamplingParams => {
  if (choiceOfPrompt === 0) return params
  const seed = params.seed === null ? null : params.seed + choiceOfPrompt
  return { ...params, seed, promptLogprobs: null }
}

/** @throws EngineError in vLLM's words for more tokens than the context can hold. */
export const checkRequested = (requested: RequestedTokens | null, maxModelLen: number): void => {
  if (!requested || requested.count <= maxModelLen) return
  throw invalidParameter(
    `${requested.field}=${requested.count} cannot be greater than ` +
      `max_model_len=max_total_tokens=${maxModelLen}. Please request fewer output tokens.`,
    requested.field,
    requested.count,
  )
}

/** @throws EngineError `context-length-exceeded` in vLLM's words. */
export const checkContextLength = (
  numPromptTokens: number,
  requested: RequestedTokens | null,
  maxModelLen: number,
): void => {
  if (numPromptTokens === 0) throw invalidRequest('The prompt cannot be empty.', 'prompt')
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
