// The engine's worker, holding a lock for as long as it lives: how others see that it is gone.
import '../../../src/engine.worker.ts'

void navigator.locks.request('engine-worker', () => new Promise(() => {}))
