import type { FinishReason, GenerationEngine, GenerationRequest } from '../engine/generation.ts'
import type { OutputDelta } from '../parsers/output-delta.ts'
import type { OutputParser } from '../parsers/output-parser.ts'
import { createDetokenizer } from '../tokenizer/detokenizer.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { ReasoningCounter } from './reasoning-counter.ts'
import { createStopStrings } from './stop-strings.ts'

/** What one engine output added to one choice. */
export type ChoiceOutput = {
  readonly index: number
  readonly deltas: readonly OutputDelta[]
  readonly numNewTokens: number
  /** Prompt tokens that came from the prefix cache. */
  readonly numCachedTokens: number
  /** Of the choice so far; null where there is no exact count. */
  readonly numReasoningTokens: number | null
  /** Set on the choice's last output alone. */
  readonly end: ChoiceEnd | null
}

export type ChoiceEnd = {
  readonly finishReason: FinishReason
  /** The stop string, or the id out of `stop_token_ids`, that ended the choice. */
  readonly stopReason: string | number | null
}

/** One running choice of a reply. */
export type Choice = {
  readonly index: number
  /** For one iteration. Throws the EngineError that ends the request. */
  readonly outputs: AsyncIterable<ChoiceOutput>
  /** Frees the engine's request at once. */
  readonly abort: () => void
}

export type ChoiceOptions = {
  readonly index: number
  readonly engine: GenerationEngine
  readonly request: GenerationRequest
  readonly tokenizer: Tokenizer
  readonly parser: OutputParser | ReasoningCounter
  readonly stop: readonly string[]
  readonly minTokens: number
  readonly includeStopStrInOutput: boolean
  readonly skipSpecialTokens: boolean
}

type Progress = Pick<ChoiceOutput, 'deltas' | 'numNewTokens'> & { readonly matched: string | null }

type TokenReader = {
  /** `ends`: the last id is the end-of-sequence or stop id, which is no text of the answer. */
  read(tokenIds: readonly number[], ends: boolean): Progress
  finish(reason: FinishReason): readonly OutputDelta[]
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
const createTokenReader = (options: ChoiceOptions): TokenReader => {
  const { tokenizer, minTokens, includeStopStrInOutput: includeInOutput } = options
  const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: options.skipSpecialTokens })
  const stopStrings = createStopStrings(options.stop, { includeInOutput })
  const feed = createTokenFeed(options.parser)
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
        if (matched !== null) {
          stopped = true
          return { deltas, numNewTokens: position + 1, matched }
        }
      }
      return { deltas, numNewTokens: tokenIds.length, matched: null }
    },
    finish(reason) {
      if (stopped) return feed.finish(reason)
      const rest = stopStrings.push(detokenizer.flush(), false).text + stopStrings.flush()
      return [...feed.release(rest), ...feed.finish(reason)]
    },
  }
}

/**
 * Queues one request and turns its token ids into deltas: detokeniser, stop strings, output parser.
 *
 * @throws EngineError what `addRequest` throws.
 */
export const startChoice = (options: ChoiceOptions): Choice => {
  const { index, engine } = options
  const generation = engine.addRequest(options.request)
  const reader = createTokenReader(options)
  const { parser } = options
  const countReasoning = () => ('numReasoningTokens' in parser ? parser.numReasoningTokens() : null)

  async function* outputs(): AsyncGenerator<ChoiceOutput> {
    let numCachedTokens = 0
    const toOutput = (
      deltas: readonly OutputDelta[],
      numNewTokens: number,
      end: ChoiceEnd | null,
    ): ChoiceOutput => ({
      index,
      deltas: end ? [...deltas, ...reader.finish(end.finishReason)] : deltas,
      numNewTokens,
      numCachedTokens,
      numReasoningTokens: countReasoning(),
      end,
    })
    for await (const { newTokenIds, finishReason, stopTokenId, ...output } of generation) {
      numCachedTokens = output.numCachedTokens
      const { deltas, numNewTokens, matched } = reader.read(newTokenIds, finishReason === 'stop')
      if (matched !== null) {
        generation.abort()
        yield toOutput(deltas, numNewTokens, { finishReason: 'stop', stopReason: matched })
        return
      }
      const end = finishReason && { finishReason, stopReason: stopTokenId }
      yield toOutput(deltas, numNewTokens, end)
      if (end) return
    }
    yield toOutput([], 0, { finishReason: 'abort', stopReason: null })
  }
  return { index, outputs: outputs(), abort: () => generation.abort() }
}
