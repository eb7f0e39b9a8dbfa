import type {
  EngineStats,
  FinishReason,
  Generation,
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
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

export type ScriptedEngine = GenerationEngine & {
  /** Every request so far, in order. */
  readonly requests: GenerationRequest[]
  /** Positions in `requests` of what was aborted before its end. */
  readonly aborted: Set<number>
  /** Positions in `requests` of what has neither ended nor been aborted. */
  readonly running: Set<number>
}

const emptyStats: EngineStats = {
  numRunning: 0,
  numWaiting: 0,
  blockSize: 16,
  numBlocks: 0,
  numFreeBlocks: 0,
  blocks: [],
  requests: [],
  numSteps: 0,
  numPreemptions: 0,
  numPromptTokens: 0,
  numGeneratedTokens: 0,
  prefixCacheQueriedTokens: 0,
  prefixCacheHitTokens: 0,
  lastStepMs: 0,
  dispatchesPerStep: 0,
  adapter: 'scripted',
}

/** An engine that answers the n-th request with the n-th script. */
export const createScriptedEngine = (
  scripts: readonly Script[],
  maxModelLen = 1000,
): ScriptedEngine => {
  const requests: GenerationRequest[] = []
  const aborted = new Set<number>()
  const running = new Set<number>()
  let disposed = false

  const play = (position: number, script: Script): Generation => {
    let wake: (() => void) | null = null
    const abort = () => {
      if (running.delete(position)) aborted.add(position)
      wake?.()
    }
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
    return Object.assign(run(), { requestId: requests[position]?.requestId ?? '', abort })
  }

  return {
    maxModelLen,
    vocabSize: 1 << 20,
    requests,
    aborted,
    running,
    addRequest(request) {
      if (disposed) throw new EngineError('disposed', 'The engine was disposed.')
      resolveSamplingParams(request.samplingParams)
      const script = scripts[requests.length]
      if (!script) throw new Error(`no script for request ${requests.length}`)
      requests.push(request)
      const position = requests.length - 1
      running.add(position)
      return play(position, script)
    },
    stats() {
      if (disposed) throw new EngineError('disposed', 'The engine was disposed.')
      return emptyStats
    },
    dispose() {
      disposed = true
    },
  }
}
