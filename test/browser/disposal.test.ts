import { describe, expect, it } from 'vitest'
import { createEngine } from '../../src/index.ts'
import { endlessChat } from './leaving/endless-chat.ts'

const load = () => createEngine({ model: '/starter-model/' })
const disposed = { code: 'disposed' }

describe('an engine that is disposed of', () => {
  it('leaves none of its requests without an answer', async () => {
    const engine = await load()
    const whole = expect(endlessChat(engine, { stream: false })).rejects.toMatchObject(disposed)
    const reader = (await endlessChat(engine)).body!.getReader()
    await reader.read()
    expect((await engine.stats()).numRunning).toBe(2)
    const stream = (async () => {
      while (!(await reader.read()).done);
    })()
    await Promise.all([engine.dispose(), expect(stream).rejects.toThrow(/abort/i), whole])
  })

  it('says so afterwards, and may be disposed of again', async () => {
    const engine = await load()
    await engine.dispose()
    await expect(engine.fetch(`${engine.baseURL}/models`)).rejects.toMatchObject(disposed)
    await expect(engine.stats()).rejects.toMatchObject(disposed)
    await engine.dispose()
  })
})
