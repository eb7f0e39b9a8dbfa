import './remove-webgpu.ts'
import '../../../src/engine.worker.ts'
