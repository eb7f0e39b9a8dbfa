import type {
  Generation,
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
  TokenLogprobs,
} from '../../../src/engine/generation.ts'
import { EngineError } from '../../../src/errors.ts'

/** Log probabilities of every next token, given the tokens so far. */
export type NextLogprobs = (tokenIds: readonly number[]) => readonly number[]

export type ToyEngine = Pick<GenerationEngine, 'addRequest'> & {
  readonly requests: GenerationRequest[]
  /** Requests that have neither ended nor been aborted. */
  readonly running: Set<GenerationRequest>
  /** For each batch, how many requests were added before the first of them was answered. */
  readonly batchSizes: number[]
  /** Requests from this one on wait for an abort. */
  hangFrom: number
  /** The request that fails. */
  failAt: number
}

const describe = (logprobs: readonly number[], numTop: number): TokenLogprobs => {
  const top = logprobs
    .map((logprob, tokenId) => ({ tokenId, logprob }))
    .toSorted((a, b) => b.logprob - a.logprob)
    .slice(0, numTop)
  const { tokenId, logprob } = top[0] ?? { tokenId: 0, logprob: 0 }
  return { tokenId, logprob, rank: 1, top }
}

/** An engine that answers each request with the likeliest token, as the toy model has it. */
export const createToyEngine = (next: NextLogprobs): ToyEngine => {
  const requests: GenerationRequest[] = []
  const running = new Set<GenerationRequest>()
  const batchSizes: number[] = []
  let isBatchOpen = false

  const joinBatch = () => {
    if (!isBatchOpen) {
      batchSizes.push(0)
      isBatchOpen = true
      setTimeout(() => (isBatchOpen = false))
    }
    batchSizes[batchSizes.length - 1]! += 1
  }

  const toy: ToyEngine = {
    requests,
    running,
    batchSizes,
    hangFrom: Infinity,
    failAt: Infinity,
    addRequest(request) {
      if (request.promptTokenIds.length >= 1000) {
        throw new EngineError('context-length-exceeded', 'too long')
      }
      joinBatch()
      const position = requests.push(request) - 1
      running.add(request)
      let wake: (() => void) | null = null
      const abort = () => {
        running.delete(request)
        wake?.()
      }
      async function* run(): AsyncGenerator<GenerationOutput> {
        await new Promise((resolve) => setTimeout(resolve))
        if (position === toy.failAt) {
          running.delete(request)
          throw new EngineError('device-lost', 'The GPU is gone.')
        }
        if (position >= toy.hangFrom && running.has(request)) {
          await new Promise<void>((resolve) => (wake = resolve))
        }
        if (!running.delete(request)) return
        const logprobs = describe(
          next(request.promptTokenIds),
          request.samplingParams.logprobs ?? 0,
        )
        yield {
          newTokenIds: [logprobs.tokenId],
          logprobs: [logprobs],
          promptLogprobs: null,
          numCachedTokens: request.promptTokenIds.length - 1,
          finishReason: 'length',
          stopTokenId: null,
        }
      }
      const generation: Generation = Object.assign(run(), {
        requestId: request.requestId ?? '',
        abort,
        finish: abort,
      })
      return generation
    },
  }
  return toy
}
