import { releaseProxy, wrap, type Endpoint } from 'comlink'
import { EngineError } from '../errors.ts'
import type { GrammarApi, GrammarConnection } from '../grammar/grammar-api.ts'
import { installTransferHandlers } from './transfer-handlers.ts'

/** A worker whose script exposes a `GrammarHost`. */
export type GrammarWorker = {
  readonly endpoint: Endpoint
  /** Calls back with the reason when the worker does not start, or ends by itself. */
  readonly onFailure: (report: (reason: string) => void) => void
  readonly terminate: () => void
}

/**
 * Grammars in a worker of their own: compiling takes up to seconds, in which the engine goes on. Calls
 * that are open when the worker fails or is stopped reject with an `EngineError`.
 */
export const connectGrammars = (worker: GrammarWorker): GrammarConnection => {
  installTransferHandlers()
  const remote = wrap<GrammarApi>(worker.endpoint)
  const open = new Set<(error: EngineError) => void>()
  let ended: EngineError | null = null
  const end = (error: EngineError) => {
    ended ??= error
    for (const reject of open) reject(ended)
    open.clear()
  }
  /** Comlink alone would never notice that there is nobody to answer. */
  const call = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
    if (ended) throw ended
    let giveUp: ((error: EngineError) => void) | undefined
    const given = new Promise<never>((_, reject) => {
      giveUp = reject
      open.add(reject)
    })
    try {
      return await Promise.race([ask(), given])
    } finally {
      if (giveUp) open.delete(giveUp)
    }
  }
  worker.onFailure((reason) =>
    end(
      new EngineError(
        'internal',
        `The worker for grammars failed: ${reason}. Answers can't be held to a form without it: ` +
          'serve grammar.worker.js from where engine.worker.js lies.',
      ),
    ),
  )
  return {
    api: {
      open: (vocabulary) => call(() => remote.open(vocabulary)),
      compile: (constraint) => call(() => remote.compile(constraint)),
      startAnswer: (grammar, forbiddenIds) => call(() => remote.startAnswer(grammar, forbiddenIds)),
      mask: (answer, start, tokenIds) => call(() => remote.mask(answer, start, tokenIds)),
      release: (id) => call(() => remote.release(id)),
    },
    stop: () => {
      end(new EngineError('disposed', 'The grammars were disposed of with their engine.'))
      remote[releaseProxy]()
      worker.terminate()
    },
  }
}

/** The same in a browser. */
export const grammarWorker = (worker: Worker): GrammarWorker => ({
  endpoint: worker,
  onFailure: (report) =>
    worker.addEventListener('error', ({ message }) =>
      report(message || 'its script could not be loaded'),
    ),
  terminate: () => worker.terminate(),
})
