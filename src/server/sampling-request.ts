import { resolveSamplingParams, type SamplingParams } from '../engine/sampling-params.ts'
import { EngineError } from '../errors.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import { pythonFloat } from './lax-types.ts'
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

/** Fields that hold floats in vLLM: its messages tell them as Python writes such. */
const floatFields: Readonly<Record<string, keyof SamplingParams>> = {
  temperature: 'temperature',
  top_p: 'topP',
  min_p: 'minP',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  repetition_penalty: 'repetitionPenalty',
}

/** Fields whose value is told once more behind the message. */
const repeatedFields = ['temperature', 'top_p', 'max_tokens']

const refuse = (field: string, message: string, value: number | string) =>
  repeatedFields.includes(field)
    ? invalidParameter(message, field, value)
    : invalidRequest(message, field)

/** What is wrong with a sampling parameter in vLLM's words. */
const inWordsOfVllm = (thrown: unknown, params: Partial<SamplingParams>): unknown => {
  const field = thrown instanceof EngineError ? thrown.details['parameter'] : null
  if (!(thrown instanceof EngineError) || typeof field !== 'string') return thrown
  const { message } = thrown
  const key = floatFields[field]
  if (key === undefined) return refuse(field, message, params.maxTokens ?? '')
  const value = pythonFloat(Number(params[key]))
  return refuse(field, message.replace(/got \S+\.$/, `got ${value}.`), value)
}

const checkFinite = (field: string, value: number | null | undefined) => {
  if (value == null || Number.isFinite(value)) return
  const told = pythonFloat(value)
  throw refuse(field, `${field} must be a finite number, got ${told}.`, told)
}

const resolve = (params: Partial<SamplingParams>): SamplingParams => {
  checkFinite('repetition_penalty', params.repetitionPenalty)
  checkFinite('temperature', params.temperature)
  try {
    return resolveSamplingParams(params)
  } catch (thrown) {
    throw inWordsOfVllm(thrown, params)
  }
}

/** No seed, in another spelling. */
const anySeed = -1

const stopIdsOf = ({ request, model: { defaultSamplingParams } }: SamplingRequest): number[] => [
  ...new Set([...(request.stop_token_ids ?? []), ...(defaultSamplingParams.stopTokenIds ?? [])]),
]

/**
 * The sampling parameters of a request: its own fields, else the model's, else vLLM's defaults.
 *
 * @throws EngineError in vLLM's words for a value out of range.
 */
export const toSamplingParams = (given: SamplingRequest): SamplingParams => {
  const { request, model, requested, logprobs } = given
  const { tokenizer, defaultSamplingParams: defaults } = model
  const params = resolve({
    ...choose('temperature', request.temperature, defaults),
    ...choose('topP', request.top_p, defaults),
    ...choose('topK', request.top_k, defaults),
    ...choose('minP', request.min_p, defaults),
    ...choose('presencePenalty', request.presence_penalty, defaults),
    ...choose('frequencyPenalty', request.frequency_penalty, defaults),
    ...choose('repetitionPenalty', request.repetition_penalty, defaults),
    ...choose('seed', request.seed === anySeed ? null : request.seed, defaults),
    ...choose('maxTokens', requested?.count, defaults),
    ...choose('minTokens', request.min_tokens, defaults),
    ...choose('ignoreEos', request.ignore_eos, defaults),
    ...toTokenConstraints(request, { tokenizer, vocabSize: model.engine.vocabSize }),
    ...logprobs,
    stopTokenIds: stopIdsOf(given),
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

/**
 * An answer without a limit of its own, or with more than that by default, has what the context leaves.
 *
 * @throws EngineError in vLLM's words for more tokens at least than there can be.
 */
export const checkMinTokens = (
  { minTokens }: SamplingParams,
  numPromptTokens: number,
  maxModelLen: number,
): void => {
  const room = maxModelLen - numPromptTokens
  if (minTokens <= room) return
  throw invalidRequest(
    `min_tokens must be less than or equal to max_tokens=${room}, got ${minTokens}.`,
    'min_tokens',
  )
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

/** A prompt's length, and whether it came as text: of that vLLM counts only what it needs to refuse it. */
export type PromptLength = { readonly numTokens: number; readonly isText: boolean }

/** @throws EngineError `context-length-exceeded` in vLLM's words. */
export const checkContextLength = (
  { numTokens, isText }: PromptLength,
  requested: RequestedTokens | null,
  maxModelLen: number,
): void => {
  if (numTokens === 0) throw invalidRequest('The decoder prompt cannot be empty', 'prompt')
  // A prompt that just fits leaves no room for the one token that every answer has.
  const numOutputTokens = requested?.count ?? (numTokens === maxModelLen ? 1 : 0)
  const room = maxModelLen - numOutputTokens
  if (numTokens <= room) return
  const counted = isText ? room + 1 : numTokens
  const atLeast = counted === room + 1 ? 'at least ' : ''
  throw new EngineError(
    'context-length-exceeded',
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ` +
      `${numOutputTokens} output tokens and your prompt contains ${atLeast}${counted} input ` +
      `tokens, for a total of ${atLeast}${counted + numOutputTokens} tokens. Please reduce the ` +
      'length of the input prompt or the number of requested output tokens. ' +
      `(parameter=input_tokens, value=${counted})`,
    { details: { parameter: 'input_tokens' } },
  )
}
