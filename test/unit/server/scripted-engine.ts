import type {
  EngineStats,
  FinishReason,
  Generation,
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
  TokenLogprobs,
} from '../../../src/engine/generation.ts'
import { resolveSamplingParams } from '../../../src/engine/sampling-params.ts'
import { EngineError } from '../../../src/errors.ts'

/**
 * What the engine does for one request: each entry is one output's ids; then an end. `hang` waits
 * for an abort. Ids are checked by nobody.
 */
export type Script = {
  readonly outputs: readonly (readonly number[])[]
  readonly end?: FinishReason | 'hang' | EngineError
  readonly stopTokenId?: number
  readonly numCachedTokens?: number
}

/** Made up from the id alone: the ids after it are a little less likely, every fourth is not first. */
export const scriptedLogprobs = (tokenId: number, numTop: number): TokenLogprobs => {
  const first = tokenId % 4 === 3 ? tokenId + 1 : tokenId
  const others = Array.from({ length: numTop }, (_, offset) => first + offset)
  const top = others.map((id, offset) => ({ tokenId: id, logprob: -0.5 - offset }))
  const own = top.find((other) => other.tokenId === tokenId)
  return { tokenId, logprob: own?.logprob ?? -Infinity, rank: own ? 1 : numTop + 1, top }
}

/** As above, with these ids beside it: an id is as likely as it is small. */
const namedLogprobs = (tokenId: number, named: readonly number[]): TokenLogprobs => ({
  ...scriptedLogprobs(tokenId, 1),
  top: named.map((id) => ({ tokenId: id, logprob: -1 - id })),
})

export type ScriptedEngine = GenerationEngine & {
  /** Every request so far, in order. */
  readonly requests: GenerationRequest[]
  /** Positions in `requests` of what was aborted before its end. */
  readonly aborted: Set<number>
  /** Of what its reader finished before its end. */
  readonly finished: Set<number>
  /** Positions in `requests` of what has neither ended nor been aborted. */
  readonly running: Set<number>
  setStats(stats: Partial<EngineStats>): void
}

const noSeconds = { bounds: [0.1, 1], counts: [0, 0, 0], sum: 0 }

export const emptyStats: EngineStats = {
  numRunning: 0,
  numWaiting: 0,
  blockSize: 16,
  numBlocks: 0,
  numFreeBlocks: 0,
  blocks: [],
  requests: [],
  numSteps: 0,
  numOverlappedSteps: 0,
  numPreemptions: 0,
  numPromptTokens: 0,
  numGeneratedTokens: 0,
  numFinished: { stop: 0, length: 0, abort: 0 },
  timeToFirstToken: noSeconds,
  interTokenLatency: noSeconds,
  requestLatency: noSeconds,
  queueTime: noSeconds,
  prefillTime: noSeconds,
  decodeTime: noSeconds,
  inferenceTime: noSeconds,
  timePerOutputToken: noSeconds,
  requestPromptTokens: noSeconds,
  requestGenerationTokens: noSeconds,
  prefixCacheQueriedTokens: 0,
  prefixCacheHitTokens: 0,
  numDrafts: 0,
  numDraftTokens: 0,
  numAcceptedTokens: 0,
  numDeviceLosses: 0,
  lastStepMs: 0,
  dispatchesPerStep: 0,
  adapter: 'scripted',
}

const tell = (tokenIds: readonly number[], numTop: number) =>
  tokenIds.map((id) => scriptedLogprobs(id, numTop))

/** An engine that answers the n-th request with the n-th script. */
export const createScriptedEngine = (
  scripts: readonly Script[],
  maxModelLen = 1000,
): ScriptedEngine => {
  const requests: GenerationRequest[] = []
  const aborted = new Set<number>()
  const finished = new Set<number>()
  const running = new Set<number>()
  let stats = emptyStats
  let disposed = false

  const play = (position: number, script: Script, request: GenerationRequest): Generation => {
    const { logprobs = null, logprobTokenIds, promptLogprobs = null } = request.samplingParams
    const report = (tokenIds: readonly number[]) => {
      if (logprobs === null) return null
      if (!logprobTokenIds) return tell(tokenIds, logprobs)
      return tokenIds.map((id) => namedLogprobs(id, logprobTokenIds))
    }
    let wake: (() => void) | null = null
    const leave = (left: Set<number>) => () => {
      if (running.delete(position)) left.add(position)
      wake?.()
    }
    const [abort, finish] = [leave(aborted), leave(finished)]
    async function* run(): AsyncGenerator<GenerationOutput> {
      const { outputs, end = 'stop', stopTokenId = null, numCachedTokens = 0 } = script
      const isEnd = end === 'stop' || end === 'length' || end === 'abort'
      try {
        for (const [step, newTokenIds] of outputs.entries()) {
          await Promise.resolve()
          if (!running.has(position)) return
          const finishReason = isEnd && step === outputs.length - 1 ? end : null
          if (finishReason) running.delete(position)
          yield {
            newTokenIds,
            logprobs: report(newTokenIds),
            promptLogprobs:
              promptLogprobs === null || step > 0
                ? null
                : [null, ...tell(request.promptTokenIds.slice(1), promptLogprobs)],
            numCachedTokens,
            finishReason,
            stopTokenId: finishReason ? stopTokenId : null,
          }
        }
        if (end instanceof EngineError) throw end
        if (end === 'hang' && running.has(position)) {
          await new Promise<void>((resolve) => (wake = resolve))
        }
      } finally {
        abort()
      }
    }
    return Object.assign(run(), { requestId: request.requestId ?? '', abort, finish })
  }

  return {
    maxModelLen,
    vocabSize: 1 << 20,
    requests,
    aborted,
    finished,
    running,
    addRequest(request) {
      if (disposed) throw new EngineError('disposed', 'The engine was disposed.')
      resolveSamplingParams(request.samplingParams)
      const script = scripts[requests.length]
      if (!script) throw new Error(`no script for request ${requests.length}`)
      requests.push(request)
      const position = requests.length - 1
      running.add(position)
      return play(position, script, request)
    },
    stats() {
      if (disposed) throw new EngineError('disposed', 'The engine was disposed.')
      return stats
    },
    setStats(given) {
      stats = { ...stats, ...given }
    },
    resetPrefixCache: () => running.size === 0,
    dispose() {
      disposed = true
    },
  }
}
