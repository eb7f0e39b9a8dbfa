/// <reference lib="webworker" />
import { expose } from 'comlink'
import { openStorageRoot } from './storage/directory.ts'
import { EngineHost } from './worker/engine-host.ts'
import { installTransferHandlers } from './worker/transfer-handlers.ts'

installTransferHandlers()
expose(
  new EngineHost({
    gpu: navigator.gpu,
    fetch: (...given) => fetch(...given),
    openStorage: openStorageRoot,
    quota: navigator.storage,
    locks: navigator.locks,
    deviceMemory: 'deviceMemory' in navigator ? Number(navigator.deviceMemory) : undefined,
  }),
)
