import { Worker } from 'node:worker_threads'
import nodeEndpoint from 'comlink/dist/esm/node-adapter'
import type { GrammarConnection } from '../grammar/grammar-api.ts'
import { connectGrammars } from '../worker/grammar-client.ts'

/** Starts a thread for grammars. It keeps the process alive until it is stopped. */
export const startGrammarThread = (): GrammarConnection => {
  const worker = new Worker(new URL(/* @vite-ignore */ './node-grammar.worker.js', import.meta.url))
  return connectGrammars({
    endpoint: nodeEndpoint(worker),
    onFailure: (report) => {
      worker.on('error', ({ message }) => report(message))
      worker.on('exit', (code) => report(`it ended with code ${code}`))
    },
    terminate: () => void worker.terminate(),
  })
}
