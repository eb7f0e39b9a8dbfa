import type { Beam, BeamSearch, BeamSearchResult } from '../engine/beam-search.ts'
import type { ChoiceSet } from './choice-set.ts'
import type { ChoiceOutput } from './generation-stream.ts'
import type { TokenReader } from './token-reader.ts'

export type BeamChoicesOptions = {
  readonly numPrompts: number
  /** Beams a prompt, best first: choice `promptIndex * n + i` is the prompt's i-th best. */
  readonly n: number
  readonly start: (promptIndex: number) => BeamSearch
  readonly createReader: () => TokenReader
  /** What completes a beam; null where nothing does. */
  readonly eosTokenId: number | null
  /** Counts the end-of-sequence id among the tokens of a beam that it completed. */
  readonly countsEos: boolean
}

const toOutput = (
  beam: Beam,
  index: number,
  { numCachedTokens, ...options }: BeamChoicesOptions & Pick<BeamSearchResult, 'numCachedTokens'>,
): ChoiceOutput => {
  const reader = options.createReader()
  const { finishReason, tokenIds } = beam
  const isComplete = finishReason === 'stop'
  const { deltas } = reader.read(tokenIds, false)
  const { eosTokenId, countsEos } = options
  const countedIds = isComplete && countsEos && eosTokenId !== null ? [eosTokenId] : []
  const newTokenIds = [...tokenIds, ...countedIds]
  return {
    index,
    deltas: [...deltas, ...reader.finish(finishReason)],
    newTokenIds,
    logprobs: beam.logprobs.slice(0, newTokenIds.length),
    promptLogprobs: null,
    numCachedTokens,
    numReasoningTokens: reader.numReasoningTokens(),
    end: { finishReason, stopReason: isComplete ? eosTokenId : null },
  }
}

/**
 * Searches for the answers to all prompts at once. Each beam is one choice, known as a whole when
 * its search ends.
 *
 * @throws EngineError what starting a search throws; none is left running then.
 */
export const startBeamChoices = (options: BeamChoicesOptions): ChoiceSet => {
  const searches: BeamSearch[] = []
  const abort = () => {
    for (const search of searches) search.abort()
  }
  try {
    for (let prompt = 0; prompt < options.numPrompts; prompt += 1) {
      searches.push(options.start(prompt))
    }
  } catch (thrown) {
    abort()
    throw thrown
  }

  async function* outputs(): AsyncGenerator<ChoiceOutput> {
    try {
      const results = await Promise.all(searches.map((search) => search.result))
      for (const [prompt, { beams, numCachedTokens }] of results.entries()) {
        for (const [rank, beam] of beams.entries()) {
          yield toOutput(beam, prompt * options.n + rank, { ...options, numCachedTokens })
        }
      }
    } finally {
      abort()
    }
  }
  return { outputs: outputs(), abort }
}
