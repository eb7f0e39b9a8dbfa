import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEngine } from '../../src/node/create-engine.ts'
import type { Engine } from '../../src/worker/engine-client.ts'
import { longChat, starterModel } from './cli.ts'

let engine: Engine

beforeAll(async () => {
  engine = await createEngine({
    model: starterModel,
    servedModelName: 'starter',
    apiKey: 'secret',
    maxModelLen: 1024,
  })
})

afterAll(() => engine.dispose())

const chat = (body: object, signal: AbortSignal | null = null) =>
  engine.fetch(`${engine.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer secret' },
    body: JSON.stringify(body),
    signal,
  })

it('is the engine that a page has', async () => {
  expect(engine).toMatchObject({ model: 'starter', maxModelLen: 1024 })
  const messages = [{ role: 'user', content: 'What is a quire?' }]
  const response = await chat({ model: 'starter', messages, temperature: 0 })
  expect(response.url).toBe(`${engine.baseURL}/chat/completions`)
  const answer = await response.json()
  expect(answer.choices[0].message.content).toContain('Quire is an LLM engine')
  expect((await engine.stats()).numFinished.stop).toBe(1)
})

it('asks for the key', async () => {
  expect((await engine.fetch(`${engine.baseURL}/models`)).status).toBe(401)
})

it('frees a stream whose signal aborts, long after its request was collected', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const client = new AbortController()
  const reader = (await chat(longChat(900), client.signal)).body!.getReader()
  for (let pieces = 0; pieces < 10; pieces++) {
    await reader.read()
    collectGarbage()
  }
  expect((await engine.stats()).numRunning).toBe(1)
  client.abort()
  expect((await engine.stats()).numRunning).toBe(0)
  await expect(reader.read()).rejects.toThrow(/abort/i)
})
