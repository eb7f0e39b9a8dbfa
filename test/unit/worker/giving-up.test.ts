import { afterEach, describe, expect, it } from 'vitest'
import { createGenerationEngine } from '../../../src/engine/engine.ts'
import type { GenerationEngine } from '../../../src/engine/generation.ts'
import { createFetch } from '../../../src/server/create-fetch.ts'
import { pumpStream, streamFromPort } from '../../../src/worker/transfer-handlers.ts'
import { eosTokenId, SimulatedExecutor, vocabSize } from '../engine/simulated-gpu.ts'
import { createTinyTemplate, createTinyTokenizer } from '../server/fixtures.ts'
import { testGrammars } from '../server/test-grammars.ts'

const engines: GenerationEngine[] = []

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose()
})

/** Lets all messages through that are due, also those between ports. */
const settle = async () => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
}

const numBlocks = 16

/** The server over the real engine, whose steps the test completes one by one. */
const createServer = () => {
  const executor = new SimulatedExecutor({ numBlocks, maxNumSeqs: 4, manual: true })
  const engine = createGenerationEngine({
    executor,
    maxModelLen: 200,
    vocabSize,
    eosTokenIds: [eosTokenId],
    numBlocks,
    targetStepMs: null,
    checkIntegrity: true,
  })
  engines.push(engine)
  const handler = createFetch({
    task: 'generate',
    id: 'simulated',
    created: 0,
    engine,
    tokenizer: createTinyTokenizer(),
    chatTemplate: createTinyTemplate().template,
    grammars: testGrammars(createTinyTokenizer()),
    defaultSamplingParams: {},
    toolParser: null,
    reasoningParser: null,
  })
  const step = async () => {
    executor.complete()
    await settle()
  }
  /** A request that would go on for forty tokens. */
  const ask = (stream: boolean, signal?: AbortSignal) =>
    handler(
      new Request('http://quire.test/v1/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          prompt: [1, 2, 3, 4, 5],
          max_tokens: 40,
          ignore_eos: true,
          return_token_ids: true,
          seed: 1,
          stream,
        }),
        ...(signal ? { signal } : {}),
      }),
    )
  return { engine, executor, ask, step }
}

type Server = ReturnType<typeof createServer>

/** Once given up, the sequence is in no further step; its blocks wait for those that run. */
const expectFreed = async ({ engine, executor, step }: Server) => {
  expect(engine.stats()).toMatchObject({ numRunning: 0, numWaiting: 0 })
  const { numSteps } = engine.stats()
  while (executor.pending.length > 0) await step()
  expect(engine.stats()).toMatchObject({ numSteps, numFreeBlocks: numBlocks })
}

const readOne = async (body: ReadableStream<Uint8Array> | null, { step }: Server) => {
  const reader = body!.getReader()
  await settle()
  await step()
  expect((await reader.read()).done).toBe(false)
  return reader
}

describe('giving up frees the sequence before the next step', () => {
  it('by cancelling the body', async () => {
    const server = createServer()
    const { body } = await server.ask(true)
    const reader = await readOne(body, server)
    expect(server.engine.stats().numRunning).toBe(1)
    await reader.cancel()
    await expectFreed(server)
  })

  it('by the signal, while the body streams', async () => {
    const server = createServer()
    const client = new AbortController()
    const { body } = await server.ask(true, client.signal)
    const reader = await readOne(body, server)
    client.abort()
    await expectFreed(server)
    await expect(reader.read()).rejects.toThrow(/abort/i)
  })

  it('by the signal, while a whole reply is made', async () => {
    const server = createServer()
    const client = new AbortController()
    const rejection = expect(server.ask(false, client.signal)).rejects.toThrow(/abort/i)
    await settle()
    await server.step()
    client.abort()
    await expectFreed(server)
    await rejection
  })

  it('by cancelling a body that came over a port', async () => {
    const server = createServer()
    const { port1, port2 } = new MessageChannel()
    const { body } = await server.ask(true)
    pumpStream(body!, port1)
    const reader = await readOne(streamFromPort(port2), server)
    await reader.cancel()
    await settle()
    await expectFreed(server)
  })

  it('by closing the port, as a page that is closed does', async () => {
    const server = createServer()
    const { port1, port2 } = new MessageChannel()
    const { body } = await server.ask(true)
    pumpStream(body!, port1)
    await readOne(streamFromPort(port2), server)
    expect(server.engine.stats().numRunning).toBe(1)
    port2.close()
    await settle()
    await expectFreed(server)
  })

  it('and leaves other requests alone', async () => {
    const server = createServer()
    const other = server.ask(false)
    const { body } = await server.ask(true)
    const reader = await readOne(body, server)
    expect(server.engine.stats().numRunning).toBe(2)
    await reader.cancel()
    expect(server.engine.stats().numRunning).toBe(1)
    while (server.executor.pending.length > 0) await server.step()
    const reply = await (await other).json()
    expect(reply.choices[0].token_ids).toHaveLength(40)
  })
})
