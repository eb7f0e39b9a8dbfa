/// <reference lib="webworker" />
import { expose } from 'comlink'
import { openStorageRoot } from './storage/directory.ts'
import { EngineHost } from './worker/engine-host.ts'
import { connectGrammars, grammarWorker } from './worker/grammar-client.ts'
import { installTransferHandlers } from './worker/transfer-handlers.ts'

const createGrammarWorker = () =>
  new Worker(new URL(/* @vite-ignore */ './grammar.worker.js', import.meta.url), {
    type: 'module',
  })

installTransferHandlers()
expose(
  new EngineHost({
    gpu: navigator.gpu,
    fetch: (...given) => fetch(...given),
    openStorage: openStorageRoot,
    connectGrammars: () => connectGrammars(grammarWorker(createGrammarWorker())),
    quota: navigator.storage,
    locks: navigator.locks,
    deviceMemory: 'deviceMemory' in navigator ? Number(navigator.deviceMemory) : undefined,
  }),
)
