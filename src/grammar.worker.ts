/// <reference lib="webworker" />
import { expose } from 'comlink'
import { GrammarHost } from './grammar/grammar-host.ts'
import { installTransferHandlers } from './worker/transfer-handlers.ts'

installTransferHandlers()
expose(new GrammarHost())
