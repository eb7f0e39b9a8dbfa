import { releaseProxy, wrap, type Endpoint } from 'comlink'
import { EngineError } from '../errors.ts'
import type { GrammarApi, GrammarConnection } from '../grammar/grammar-api.ts'
import { installTransferHandlers } from './transfer-handlers.ts'
import { WorkerCalls } from './worker-calls.ts'

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
  const calls = new WorkerCalls()
  worker.onFailure((reason) =>
    calls.end(
      new EngineError(
        'internal',
        `The worker for grammars failed: ${reason}. Answers can't be held to a form without it: ` +
          'serve grammar.worker.js from where engine.worker.js lies.',
      ),
    ),
  )
  return {
    api: {
      open: (vocabulary) => calls.ask(() => remote.open(vocabulary)),
      compile: (constraint) => calls.ask(() => remote.compile(constraint)),
      startAnswer: (grammar, forbiddenIds) =>
        calls.ask(() => remote.startAnswer(grammar, forbiddenIds)),
      masks: (positions) => calls.ask(() => remote.masks(positions)),
      release: (id) => calls.ask(() => remote.release(id)),
    },
    stop: () => {
      calls.end(new EngineError('disposed', 'The grammars were disposed of with their engine.'))
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
