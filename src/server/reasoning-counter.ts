import type { OutputDelta } from '../parsers/output-delta.ts'
import type { OutputParser } from '../parsers/output-parser.ts'
import { findReasoningFormat } from '../parsers/registry.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** An output parser that also counts the tokens it finds to be reasoning, markers apart. */
export type ReasoningCounter = OutputParser & { numReasoningTokens(): number }

const idsOf = (markers: readonly string[], { addedTokens }: Tokenizer): Set<number> => {
  const ids = markers.map((marker) => addedTokens.get(marker)?.id)
  return new Set(ids.filter((id) => id !== undefined))
}

/**
 * Counts the reasoning tokens that go through a parser. The tokens up to a closing marker count
 * where the parser found reasoning among them. Needs pushes of whole tokens with their ids.
 *
 * Null where the format's markers are spelled from ordinary tokens, for then text and reasoning may
 * share a token and there is no exact count.
 */
export const createReasoningCounter = (
  parser: OutputParser,
  reasoningParser: string,
  tokenizer: Tokenizer,
): ReasoningCounter | null => {
  const format = findReasoningFormat(reasoningParser)
  const openIds = idsOf(format.starts, tokenizer)
  const closeIds = idsOf([...format.ends, ...format.endedBy], tokenizer)
  if (!format.ends.some((end) => tokenizer.addedTokens.has(end))) return null

  let numCounted = 0
  let numPending = 0
  let foundReasoning = false
  const close = () => {
    if (foundReasoning) numCounted += numPending
    numPending = 0
    foundReasoning = false
  }
  const look = (deltas: OutputDelta[]) => {
    foundReasoning ||= deltas.some((delta) => delta.reasoning !== undefined)
    return deltas
  }
  return {
    push(text, tokenIds = []) {
      const deltas = parser.push(text, tokenIds)
      look(deltas)
      for (const id of tokenIds) {
        if (openIds.has(id)) numPending = 0
        else if (closeIds.has(id)) close()
        else numPending += 1
      }
      return deltas
    },
    finish(reason) {
      const deltas = look(parser.finish(reason))
      close()
      return deltas
    },
    numReasoningTokens: () => numCounted,
  }
}
