import { invalidRequest } from './errors.ts'

/** vLLM's `repetition_detection`: what counts as a loop. Sizes are in tokens. */
export type RepetitionRule = {
  readonly maxPatternSize: number
  readonly minPatternSize: number
  /** Times that a pattern stands in a row. */
  readonly minCount: number
}

type RepetitionFields = {
  readonly max_pattern_size?: number | null | undefined
  readonly min_pattern_size?: number | null | undefined
  readonly min_count?: number | null | undefined
}

/**
 * The rule of a request; null where it asks for none.
 *
 * @throws EngineError in vLLM's words for numbers that make no rule.
 */
export const readRepetitionRule = (
  fields: RepetitionFields | null | undefined,
): RepetitionRule | null => {
  const maxPatternSize = fields?.max_pattern_size ?? 0
  const minPatternSize = fields?.min_pattern_size ?? 0
  const minCount = fields?.min_count ?? 0
  if (maxPatternSize < 0 || minPatternSize < 0 || minPatternSize > maxPatternSize) {
    throw invalidRequest(
      'max_pattern_size, min_pattern_size must be >=0, with min_pattern_size <= max_pattern_size. ' +
        'Set both to 0 to disable repetitive pattern detection.',
      'repetition_detection',
    )
  }
  if (maxPatternSize === 0) return null
  if (minCount < 2) {
    throw invalidRequest(
      'min_count must be >= 2 to detect repetitive patterns in engine output. If you do not wish ' +
        'to detect repetitive patterns, set max_pattern_size to 0.',
      'repetition_detection',
    )
  }
  return { maxPatternSize, minPatternSize: Math.max(minPatternSize, 1), minCount }
}

/** Whether the last `length` ids equal those that stand `period` before them. */
const repeats = (tokenIds: readonly number[], period: number, length: number): boolean => {
  const end = tokenIds.length
  for (let back = 1; back <= length; back += 1) {
    if (tokenIds[end - back] !== tokenIds[end - back - period]) return false
  }
  return true
}

/** Takes the ids of one answer in order; true when the newest one completes a loop. */
export const createRepetitionDetector = ({
  maxPatternSize,
  minPatternSize,
  minCount,
}: RepetitionRule): ((tokenId: number) => boolean) => {
  const tokenIds: number[] = []
  return (tokenId) => {
    tokenIds.push(tokenId)
    const longest = Math.min(maxPatternSize, Math.floor(tokenIds.length / minCount))
    for (let size = minPatternSize; size <= longest; size += 1) {
      if (repeats(tokenIds, size, size * (minCount - 1))) return true
    }
    return false
  }
}
