import { EngineError } from '../errors.ts'
import type { GenerationRequest } from './generation.ts'
import { resolveSamplingParams } from './sampling-params.ts'
import { Sequence } from './sequence.ts'

export type RequestLimits = {
  readonly requestId: string
  readonly maxModelLen: number
  readonly vocabSize: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

const checkPrompt = (promptTokenIds: readonly number[], limits: RequestLimits): void => {
  const { maxModelLen, vocabSize } = limits
  if (promptTokenIds.length === 0) {
    throw new EngineError('invalid-request', 'The prompt has no tokens. Give at least one.')
  }
  if (promptTokenIds.length >= maxModelLen) {
    throw new EngineError(
      'context-length-exceeded',
      `This model's maximum context length is ${maxModelLen} tokens. However, your request has ` +
        `${promptTokenIds.length} input tokens, which leaves no room for an output. Please reduce ` +
        'the length of the prompt.',
      { details: { maxModelLen, numPromptTokens: promptTokenIds.length } },
    )
  }
  const isKnown = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabSize
  const unknown = promptTokenIds.find((id) => !isKnown(id))
  if (unknown !== undefined) {
    throw new EngineError(
      'invalid-request',
      `Token id ${unknown} is out of vocabulary: ids go from 0 to ${vocabSize - 1}. Encode the ` +
        "prompt with this model's tokenizer.",
      { details: { tokenId: unknown, vocabSize } },
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
  checkPrompt(request.promptTokenIds, limits)
  return new Sequence({
    requestId: limits.requestId,
    promptTokenIds: request.promptTokenIds,
    samplingParams,
    seed: splitSeed(samplingParams.seed, limits.random),
    cacheSalt: request.cacheSalt ?? null,
    maxModelLen: limits.maxModelLen,
  })
}
