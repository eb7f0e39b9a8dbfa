import { describe, expect, it } from 'vitest'
import { createEngine, EngineError, type CreateEngineOptions } from '../../src/index.ts'

const failure = async (options: CreateEngineOptions): Promise<EngineError> => {
  try {
    const engine = await createEngine(options)
    await engine.dispose()
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown
    throw thrown
  }
  throw new Error('createEngine() should have failed')
}

describe('createEngine() says what is wrong', () => {
  it('names what a browser without WebGPU lacks, and which ones have it', async () => {
    const error = await failure({
      model: '/starter-model/',
      worker: () =>
        new Worker(new URL('./workers/without-webgpu.worker.ts', import.meta.url), {
          type: 'module',
        }),
    })
    expect(error.code).toBe('webgpu-unavailable')
    expect(error.message).toMatch(/no WebGPU.*Chrome/s)
  })

  it('tells a missing adapter from missing WebGPU', async () => {
    const error = await failure({
      model: '/starter-model/',
      worker: () =>
        new Worker(new URL('./workers/without-adapter.worker.ts', import.meta.url), {
          type: 'module',
        }),
    })
    expect(error.code).toBe('adapter-unavailable')
    expect(error.message).toMatch(/no GPU adapter.*hardware acceleration/s)
  })

  it('names the missing file and where it was looked for', async () => {
    const error = await failure({ model: '/no-such-model/' })
    expect(error.code).toBe('file-not-found')
    expect(error.message).toMatch(/config\.json.*no-such-model/s)
  })

  it('names an architecture it does not know, and those it does', async () => {
    const error = await failure({ model: '/test/fixtures/broken/unknown-architecture/' })
    expect(error.code).toBe('unsupported-model')
    expect(error.message).toMatch(/FancyForCausalLM/)
    expect(error.message).toMatch(/Qwen3ForCausalLM/)
  })

  it('names a file with a truncated header', async () => {
    const error = await failure({ model: '/test/fixtures/broken/truncated-header/' })
    expect(error.code).toBe('invalid-file')
    expect(error.message).toMatch(/model\.safetensors/)
  })

  it('can be aborted while it loads', async () => {
    const abort = new AbortController()
    const loading = createEngine({ model: '/starter-model/', signal: abort.signal })
    abort.abort()
    await expect(loading).rejects.toThrow(/abort/i)
  })

  it('says so when the worker can not start', async () => {
    const error = await failure({
      model: '/starter-model/',
      worker: () => new Worker('/no-such-worker.js', { type: 'module' }),
    })
    expect(error.message).toMatch(/worker failed/)
  })
})
