import type { OutputDelta } from '../parsers/output-delta.ts'
import type { OutputParser } from '../parsers/output-parser.ts'
import { findReasoningFormat } from '../parsers/registry.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { createThinkingCounter } from './thinking-counter.ts'

/** An output parser that also counts the tokens it finds to be reasoning, markers apart. */
export type ReasoningCounter = OutputParser & { numReasoningTokens(): number }

/**
 * Counts the reasoning tokens that go through a parser. A block counts as soon as the parser has found
 * reasoning in it. Needs pushes of whole tokens with their ids.
 *
 * Null where the format's markers are spelled from ordinary tokens, for then text and reasoning may
 * share a token and there is no exact count.
 */
export const createReasoningCounter = (
  parser: OutputParser,
  reasoningParser: string,
  tokenizer: Tokenizer,
): ReasoningCounter | null => {
  const { ends } = findReasoningFormat(reasoningParser, tokenizer.addedTokens.keys())
  if (!ends.some((end) => tokenizer.addedTokens.has(end))) return null

  const counter = createThinkingCounter()
  let numCounted = 0
  let foundReasoning = false
  const count = (deltas: readonly OutputDelta[], numTokens: number) => {
    foundReasoning ||= deltas.some((delta) => delta.reasoning !== undefined)
    const state = parser.thinking()
    counter.count(state, numTokens, !foundReasoning)
    if (state.isOpen) return
    numCounted = counter.total()
    foundReasoning = false
  }
  return {
    ...parser,
    push(text, tokenIds = []) {
      const deltas = parser.push(text, tokenIds)
      count(deltas, tokenIds.length)
      return deltas
    },
    finish(reason) {
      const deltas = parser.finish(reason)
      count(deltas, 0)
      return deltas
    },
    numReasoningTokens: () => (foundReasoning ? counter.total() : numCounted),
  }
}
