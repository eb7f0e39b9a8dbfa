import { parentPort } from 'node:worker_threads'
import { expose } from 'comlink'
import nodeEndpoint from 'comlink/dist/esm/node-adapter'
import { GrammarHost } from '../grammar/grammar-host.ts'
import { installTransferHandlers } from '../worker/transfer-handlers.ts'

installTransferHandlers()
if (parentPort) expose(new GrammarHost(), nodeEndpoint(parentPort))
