import type { CompiledConstraint } from '../grammar/grammars.ts'
import type { Thinking } from '../grammar/thinking-gate.ts'
import { findReasoningFormat, textsOf } from '../parsers/registry.ts'
import type { TokenMask } from './thinking-budget.ts'
import { readThinking } from './answer-start.ts'
import { invalidRequest } from './errors.ts'
import type { ServedModel } from './served-model.ts'
import { blame, type RequestedConstraint } from './structured-output.ts'
import { callMarkers } from './tool-constraint.ts'
import type { CommonRequest } from './validation.ts'

/** What an answer is held to, and where in the output it begins. */
export type AnswerForm = {
  readonly compiled: CompiledConstraint
  readonly thinking: Thinking | null
  readonly forbiddenIds: readonly number[]
}

export type AnswerFormOptions = {
  readonly model: ServedModel
  readonly requested: RequestedConstraint
  readonly body: CommonRequest
  /** Absent for completions, in which nothing is parsed. */
  readonly chat?: {
    readonly prompt: string
    readonly kwargs: Readonly<Record<string, unknown>>
    readonly callsTools: boolean
  }
}

/** Tokens that the parsers would not read as text of an answer, those that end one apart. */
const markerIds = ({ tokenizer, toolParser, reasoningParser, grammars }: ServedModel): number[] => {
  const { addedTokens } = tokenizer
  const reasoning =
    reasoningParser === null
      ? []
      : textsOf(findReasoningFormat(reasoningParser, addedTokens.keys()))
  const markers = new Set([...callMarkers(toolParser, tokenizer), ...reasoning])
  return [...addedTokens].flatMap(([text, { id }]) =>
    markers.has(text) && !grammars.stopTokenIds.includes(id) ? [id] : [],
  )
}

/**
 * Compiles what a request's answer is held to.
 *
 * @throws EngineError a 400 that names the field and the place in it.
 */
export const prepareAnswerForm = async (options: AnswerFormOptions): Promise<AnswerForm> => {
  const { model, requested, body, chat } = options
  if (body.use_beam_search) {
    throw invalidRequest('Beam search can not hold an answer to a form.', requested.field)
  }
  const { grammars, tokenizer, reasoningParser } = model
  const compiled = await grammars.compile(requested.constraint).catch((thrown: unknown) => {
    throw blame(thrown, requested.field)
  })
  if (!chat) return { compiled, thinking: null, forbiddenIds: [] }
  const { stopTokenIds } = grammars
  const thinking = readThinking({ ...chat, reasoningParser, tokenizer, stopTokenIds })
  return { compiled, thinking, forbiddenIds: chat.callsTools ? [] : markerIds(model) }
}

/** The masks of one choice. */
export const createFormMask = ({ compiled, ...options }: AnswerForm): TokenMask => ({
  tokenMask: compiled.createTokenMask(options),
  numUnmasked: () => 0,
})

/** What both allow. */
export const bothMasks = (a: TokenMask | null, b: TokenMask | null): TokenMask | null => {
  if (a === null || b === null) return a ?? b
  return {
    tokenMask: async (ids) => {
      const [left, right] = await Promise.all([a.tokenMask(ids), b.tokenMask(ids)])
      if (left === null || right === null) return left ?? right
      return left.map((word, index) => word & (right[index] ?? 0))
    },
    numUnmasked: (ids) => Math.min(a.numUnmasked(ids), b.numUnmasked(ids)),
  }
}
