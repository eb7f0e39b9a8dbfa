import type { FinishReason } from '../engine/generation.ts'
import type { OutputDelta } from '../parsers/output-delta.ts'
import type { OutputParser } from '../parsers/output-parser.ts'
import { createDetokenizer } from '../tokenizer/detokenizer.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { ReasoningCounter } from './reasoning-counter.ts'
import { createRepetitionDetector, type RepetitionRule } from './repetition.ts'
import { createStopStrings } from './stop-strings.ts'

export type TokenReaderOptions = {
  readonly tokenizer: Tokenizer
  readonly parser: OutputParser | ReasoningCounter
  readonly stop: readonly string[]
  readonly minTokens: number
  readonly includeStopStrInOutput: boolean
  readonly skipSpecialTokens: boolean
  /** Ends answers that run into a loop; null for none. */
  readonly repetition: RepetitionRule | null
}

export type ChoiceEnd = {
  /** `repetition`: the answer ran into a loop, by the request's own rule. */
  readonly finishReason: FinishReason | 'repetition'
  /** The stop string, or the id out of `stop_token_ids`, that ended the choice. */
  readonly stopReason: string | number | null
}

export type Progress = {
  readonly deltas: readonly OutputDelta[]
  /** Up to and with the one that ended the answer. */
  readonly newTokenIds: readonly number[]
  /** Why the answer ends here; null where it goes on, or ends by the engine's word. */
  readonly end: ChoiceEnd | null
}

export type TokenReader = {
  /** `ends`: the last id is the end-of-sequence or stop id, which is no text of the answer. */
  read(tokenIds: readonly number[], ends: boolean): Progress
  finish(reason: ChoiceEnd['finishReason']): readonly OutputDelta[]
  /** Of all ids so far; null where there is no exact count. */
  numReasoningTokens(): number | null
}

/**
 * Hands text to the parser in whole tokens with their ids. The stop strings may hold back half a
 * token, and a marker must reach the parser together with its id.
 */
const createTokenFeed = (parser: OutputParser) => {
  const waiting: { readonly tokenIds: readonly number[]; readonly length: number }[] = []
  let silentIds: number[] = []
  let text = ''
  return {
    /** Announces an id and the text it completes; many ids may share one character. */
    expect(tokenId: number, itsText: string) {
      silentIds.push(tokenId)
      if (itsText === '') return
      waiting.push({ tokenIds: silentIds, length: itsText.length })
      silentIds = []
    },
    release(released: string): OutputDelta[] {
      text += released
      const deltas: OutputDelta[] = []
      for (let next = waiting[0]; next && next.length <= text.length; next = waiting[0]) {
        deltas.push(...parser.push(text.slice(0, next.length), next.tokenIds))
        text = text.slice(next.length)
        waiting.shift()
      }
      return deltas
    },
    finish(reason: FinishReason): OutputDelta[] {
      const rest = text === '' ? [] : parser.push(text, silentIds)
      return [...rest, ...parser.finish(reason)]
    },
  }
}

/**
 * Ids to text to deltas. Ids are taken one at a time, so that the result does not depend on how
 * many the engine hands over together, and ids after a stop string leave no trace.
 */
export const createTokenReader = (options: TokenReaderOptions): TokenReader => {
  const { tokenizer, parser, minTokens, includeStopStrInOutput: includeInOutput } = options
  const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: options.skipSpecialTokens })
  const stopStrings = createStopStrings(options.stop, { includeInOutput })
  const feed = createTokenFeed(parser)
  const completesLoop = options.repetition && createRepetitionDetector(options.repetition)
  let numTokens = 0
  let stopped = false

  return {
    read(tokenIds, ends) {
      const deltas: OutputDelta[] = []
      for (const [position, tokenId] of tokenIds.entries()) {
        numTokens += 1
        if (ends && !includeInOutput && position === tokenIds.length - 1) break
        const tokenText = detokenizer.push([tokenId])
        feed.expect(tokenId, tokenText)
        const { text, matched } = stopStrings.push(tokenText, numTokens > minTokens)
        deltas.push(...feed.release(text))
        const newTokenIds = tokenIds.slice(0, position + 1)
        if (matched !== null) {
          stopped = true
          return { deltas, newTokenIds, end: { finishReason: 'stop', stopReason: matched } }
        }
        if (completesLoop?.(tokenId) && numTokens >= minTokens) {
          const end = { finishReason: 'repetition', stopReason: 'repetition_detected' } as const
          return { deltas, newTokenIds, end }
        }
      }
      return { deltas, newTokenIds: tokenIds, end: null }
    },
    finish(endReason) {
      // To the parser a loop is an answer that was cut off.
      const reason = endReason === 'repetition' ? 'length' : endReason
      if (stopped) return feed.finish(reason)
      const rest = stopStrings.push(detokenizer.flush(), false).text + stopStrings.flush()
      return [...feed.release(rest), ...feed.finish(reason)]
    },
    numReasoningTokens: () => ('numReasoningTokens' in parser ? parser.numReasoningTokens() : null),
  }
}
