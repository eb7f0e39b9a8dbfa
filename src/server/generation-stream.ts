import type {
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
  TokenLogprobs,
} from '../engine/generation.ts'
import type { OutputDelta } from '../parsers/output-delta.ts'
import { type ChoiceEnd, createTokenReader, type TokenReaderOptions } from './token-reader.ts'

/** What one engine output added to one choice. */
export type ChoiceOutput = {
  readonly index: number
  readonly deltas: readonly OutputDelta[]
  /** Up to and with the one that completed a stop string. */
  readonly newTokenIds: readonly number[]
  /** One entry a new token; none unless asked for. */
  readonly logprobs: readonly TokenLogprobs[]
  /** As the engine gave them: on the first output alone, where asked for. */
  readonly promptLogprobs: GenerationOutput['promptLogprobs']
  /** Prompt tokens that came from the prefix cache. */
  readonly numCachedTokens: number
  /** Of the choice so far; null where there is no exact count. */
  readonly numReasoningTokens: number | null
  /** Set on the choice's last output alone. */
  readonly end: ChoiceEnd | null
}

/** One running choice of a reply. */
export type Choice = {
  readonly index: number
  /** For one iteration. Throws the EngineError that ends the request. */
  readonly outputs: AsyncIterable<ChoiceOutput>
  /** Frees the engine's request at once. */
  readonly abort: () => void
}

export type ChoiceOptions = TokenReaderOptions & {
  readonly index: number
  readonly engine: GenerationEngine
  readonly request: GenerationRequest
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

  /** `end` is null while the request goes on. */
  const toOutput = (
    output: Pick<GenerationOutput, 'logprobs' | 'promptLogprobs' | 'numCachedTokens'>,
    progress: Pick<ChoiceOutput, 'deltas' | 'newTokenIds'>,
    end: ChoiceEnd | null,
  ): ChoiceOutput => ({
    index,
    deltas: end ? [...progress.deltas, ...reader.finish(end.finishReason)] : progress.deltas,
    newTokenIds: progress.newTokenIds,
    logprobs: output.logprobs?.slice(0, progress.newTokenIds.length) ?? [],
    promptLogprobs: output.promptLogprobs,
    numCachedTokens: output.numCachedTokens,
    numReasoningTokens: reader.numReasoningTokens(),
    end,
  })

  async function* outputs(): AsyncGenerator<ChoiceOutput> {
    let numCachedTokens = 0
    for await (const output of generation) {
      const { newTokenIds, finishReason, stopTokenId } = output
      numCachedTokens = output.numCachedTokens
      const progress = reader.read(newTokenIds, finishReason === 'stop')
      if (progress.end) {
        generation.finish()
        yield toOutput(output, progress, progress.end)
        return
      }
      const end = finishReason && { finishReason, stopReason: stopTokenId }
      yield toOutput(output, progress, end)
      if (end) return
    }
    const nothing = { logprobs: null, promptLogprobs: null, numCachedTokens }
    const end: ChoiceEnd = { finishReason: 'abort', stopReason: null }
    yield toOutput(nothing, { deltas: [], newTokenIds: [] }, end)
  }
  return { index, outputs: outputs(), abort: () => generation.abort() }
}
