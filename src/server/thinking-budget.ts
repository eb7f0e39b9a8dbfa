import type { GenerationRequest } from '../engine/generation.ts'
import type { SamplingParams } from '../engine/sampling-params.ts'
import type { OutputParser } from '../parsers/output-parser.ts'
import { findReasoningFormat } from '../parsers/registry.ts'
import { forcedEndOf } from '../parsers/reasoning-formats.ts'
import { createDetokenizer } from '../tokenizer/detokenizer.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import type { ServedModel } from './served-model.ts'
import { createThinkingCounter } from './thinking-counter.ts'
import type { ChatRequest } from './validation.ts'

const field = 'thinking_token_budget'

/** What narrows the tokens that an engine may draw for one request. */
export type TokenMask = Required<Pick<GenerationRequest, 'tokenMask' | 'numUnmasked'>>

export type ThinkingBudget = {
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
  /** Most tokens of thinking, the markers around it apart; all blocks count together. */
  readonly numTokens: number
  /** The text that ends the thinking, as ids. */
  readonly endIds: readonly number[]
}

const checkConstraints = (params: SamplingParams, endIds: readonly number[]) => {
  const { allowedTokenIds, badWordsTokenIds } = params
  const banned = new Set(badWordsTokenIds.flatMap((word) => (word.length === 1 ? word : [])))
  const isPossible = (id: number) => !banned.has(id) && allowedTokenIds?.includes(id) !== false
  if (endIds.every(isPossible)) return
  throw invalidRequest(
    `${field} ends the thinking with the tokens ${endIds.join(', ')}, which allowed_token_ids or ` +
      'bad_words forbid. Allow them, or leave out the budget.',
    field,
  )
}

/**
 * The request's budget for thinking; null for none.
 *
 * @throws EngineError a 400, in vLLM's words for a model that has no reasoning parser, and for what
 * can't go together with a budget.
 */
export const readThinkingBudget = (
  body: ChatRequest,
  model: ServedModel,
  params: SamplingParams,
): ThinkingBudget | null => {
  const numTokens = body.thinking_token_budget ?? -1
  if (numTokens === -1) return null
  if (model.reasoningParser === null) {
    throw invalidRequest(
      'thinking_token_budget is set but reasoning_config is not configured. Please set ' +
        '--reasoning-parser and/or --reasoning-config to use thinking_token_budget.',
      field,
    )
  }
  if (body.use_beam_search) {
    throw invalidParameter(`${field} is not supported with beam search.`, field, numTokens)
  }
  const { addedTokens } = model.tokenizer
  const end = forcedEndOf(findReasoningFormat(model.reasoningParser, addedTokens.keys()))
  const endIds = model.tokenizer.encode(end, { addSpecialTokens: false })
  checkConstraints(params, endIds)
  return { tokenizer: model.tokenizer, vocabSize: model.engine.vocabSize, numTokens, endIds }
}

/**
 * Ends one answer's thinking when it has used up its budget: from then on the only token allowed is
 * the next of the end marker. `parser` follows the thinking, so it must know the prompt.
 *
 * Before that nothing is masked. Only the last tokens of the budget are drawn once the one before is
 * known, since the thinking may end by itself, and so are all tokens behind a used-up budget in formats
 * whose thinking may begin again.
 */
export const createThinkingMask = (budget: ThinkingBudget, parser: OutputParser): TokenMask => {
  const { tokenizer, vocabSize, numTokens, endIds } = budget
  const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: false })
  const counter = createThinkingCounter()
  const mask = new Uint32Array(Math.ceil(vocabSize / 32))
  let numRead = 0
  /** The length of the output in front of the marker that is being forced. */
  let forcedFrom: number | null = null

  const read = (outputTokenIds: readonly number[]) => {
    for (; numRead < outputTokenIds.length; numRead += 1) {
      const id = outputTokenIds[numRead] ?? 0
      parser.push(detokenizer.push([id]), [id])
      counter.count(parser.thinking(), 1)
    }
  }
  const forcedId = (outputTokenIds: readonly number[]): number | null => {
    read(outputTokenIds)
    const isForced = forcedFrom !== null && numRead - forcedFrom < endIds.length
    if (!isForced) {
      const isDue = parser.thinking().isOpen && counter.total() >= numTokens
      forcedFrom = isDue ? numRead : null
    }
    return forcedFrom === null ? null : (endIds[numRead - forcedFrom] ?? null)
  }
  return {
    tokenMask: async (outputTokenIds) => {
      const id = forcedId(outputTokenIds)
      if (id === null) return null
      mask.fill(0)
      mask[id >> 5] = 1 << (id & 31)
      return mask
    },
    numUnmasked: (outputTokenIds) => {
      if (forcedId(outputTokenIds) !== null) return 0
      const { isOpen, mayOpen } = parser.thinking()
      const numLeft = Math.max(0, numTokens - counter.total())
      if (isOpen) return numLeft
      // To begin again takes a marker, of one token at least.
      return mayOpen ? numLeft + 1 : Number.POSITIVE_INFINITY
    },
  }
}
