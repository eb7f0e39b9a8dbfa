import './remove-adapter.ts'
import '../../../src/engine.worker.ts'
