/// <reference lib="webworker" />
import { expose } from 'comlink'
import { EngineHost } from './worker/engine-host.ts'
import { installTransferHandlers } from './worker/transfer-handlers.ts'

installTransferHandlers()
expose(
  new EngineHost({
    gpu: navigator.gpu,
    fetch: (input, init) => fetch(input, init),
    // Private windows and insecure origins have no origin-private file system.
    openStorage: async () => (await navigator.storage?.getDirectory?.().catch(() => null)) ?? null,
  }),
)
