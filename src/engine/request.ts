import { EngineError } from '../errors.ts'
import type { GenerationRequest } from './generation.ts'
import { LogitAdjustments } from './logit-adjustments.ts'
import { resolveSamplingParams, type SamplingParams } from './sampling-params.ts'
import { Sequence } from './sequence.ts'
import { Speculation } from './speculation.ts'

export type RequestLimits = {
  readonly requestId: string
  readonly maxModelLen: number
  readonly vocabSize: number
  readonly eosTokenIds: ReadonlySet<number>
  /** Longest draft that a step verifies; 0 for no speculation. */
  readonly numSpeculativeTokens: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** @throws EngineError `invalid-request` for no tokens, or one that is not in the vocabulary. */
export const checkTokenIds = (promptTokenIds: readonly number[], vocabSize: number): void => {
  if (promptTokenIds.length === 0) {
    throw new EngineError('invalid-request', 'The prompt has no tokens. Give at least one.')
  }
  const unknown = firstUnknown(promptTokenIds, vocabSize)
  if (unknown !== undefined) {
    throw new EngineError(
      'invalid-request',
      `Token id ${unknown} is out of vocabulary: ids go from 0 to ${vocabSize - 1}. Encode the ` +
        "prompt with this model's tokenizer.",
      { details: { tokenId: unknown, vocabSize } },
    )
  }
}

const checkPrompt = (promptTokenIds: readonly number[], limits: RequestLimits): void => {
  const { maxModelLen, vocabSize } = limits
  checkTokenIds(promptTokenIds, vocabSize)
  if (promptTokenIds.length >= maxModelLen) {
    throw new EngineError(
      'context-length-exceeded',
      `This model's maximum context length is ${maxModelLen} tokens. However, your request has ` +
        `${promptTokenIds.length} input tokens, which leaves no room for an output. Please reduce ` +
        'the length of the prompt.',
      { details: { maxModelLen, numPromptTokens: promptTokenIds.length } },
    )
  }
}

const firstUnknown = (tokenIds: readonly number[], vocabSize: number): number | undefined =>
  tokenIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize))

const checkSampledIds = (params: SamplingParams, vocabSize: number): void => {
  const lists = {
    logit_bias: params.logitBias.map(([id]) => id),
    allowed_token_ids: params.allowedTokenIds ?? [],
    bad_words: params.badWordsTokenIds.flat(),
    logprob_token_ids: params.logprobTokenIds ?? [],
  }
  for (const [parameter, tokenIds] of Object.entries(lists)) {
    const unknown = firstUnknown(tokenIds, vocabSize)
    if (unknown === undefined) continue
    throw new EngineError(
      'invalid-request',
      `token_id(s) [${unknown}] in ${parameter} contain out-of-vocab token ids. Vocabulary size: ` +
        `${vocabSize}`,
      { details: { parameter, tokenId: unknown, vocabSize } },
    )
  }
}

/** A 64-bit seed as two u32, low and high. Negative seeds wrap around. */
const splitSeed = (seed: number | null, random: () => number): [number, number] => {
  const drawWord = () => Math.floor(random() * 2 ** 32)
  if (seed === null) return [drawWord(), drawWord()]
  const bits = BigInt.asUintN(64, BigInt(seed))
  return [Number(bits & 0xffff_ffffn), Number(bits >> 32n)]
}

/**
 * Checks a request and makes its sequence.
 *
 * @throws EngineError `invalid-request` or `context-length-exceeded`, as `addRequest` says.
 */
export const createSequence = (request: GenerationRequest, limits: RequestLimits): Sequence => {
  const samplingParams = resolveSamplingParams(request.samplingParams)
  const { promptTokenIds, tokenMask = null, numUnmasked = null } = request
  const { vocabSize, eosTokenIds, numSpeculativeTokens } = limits
  checkPrompt(promptTokenIds, limits)
  checkSampledIds(samplingParams, vocabSize)
  const adjustments = LogitAdjustments.of({
    samplingParams,
    promptTokenIds,
    eosTokenIds,
    vocabSize,
    tokenMask,
    numUnmasked,
  })
  // Adjustments depend on every token before: they can't be told for the rows of a draft.
  const speculates = numSpeculativeTokens > 0 && adjustments === null
  return new Sequence({
    requestId: limits.requestId,
    promptTokenIds,
    samplingParams,
    seed: splitSeed(samplingParams.seed, limits.random),
    cacheSalt: request.cacheSalt ?? null,
    priority: request.priority ?? 0,
    adjustments,
    speculation: speculates ? new Speculation(numSpeculativeTokens) : null,
    maxModelLen: limits.maxModelLen,
  })
}
