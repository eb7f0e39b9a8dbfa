import { expose } from 'comlink'
import { afterEach, describe, expect, it } from 'vitest'
import { GrammarHost } from '../../../src/grammar/grammar-host.ts'
import { createGrammars } from '../../../src/grammar/grammars.ts'
import { connectGrammars } from '../../../src/worker/grammar-client.ts'
import { installTransferHandlers } from '../../../src/worker/transfer-handlers.ts'
import {
  allowedIds,
  byteIds,
  endId,
  toyTokenizer,
  toyVocabSize,
} from '../grammar/toy-vocabulary.ts'

type TestWorker = { fail?: (reason: string) => void; isTerminated: boolean }

/** Workers that were started, each at the other end of a channel. */
const workers: TestWorker[] = []

const startWorker = (host: object = new GrammarHost()) => {
  installTransferHandlers()
  const { port1, port2 } = new MessageChannel()
  const worker: TestWorker = { isTerminated: false }
  workers.push(worker)
  expose(host, port2)
  return connectGrammars({
    endpoint: port1,
    onFailure: (report) => {
      worker.fail = report
    },
    terminate: () => {
      worker.isTerminated = true
      port1.close()
    },
  })
}

const grammarsOver = (connect: Parameters<typeof createGrammars>[0]['connect']) =>
  createGrammars({
    tokenizer: toyTokenizer,
    vocabSize: toyVocabSize,
    stopTokenIds: [endId],
    connect,
  })

afterEach(() => void workers.splice(0))

/** Takes every call and answers none. */
const silent = { open: async () => {}, compile: () => new Promise(() => {}) }

describe('grammars in a worker', () => {
  it('give the masks that they give anywhere', async () => {
    const grammars = grammarsOver(() => startWorker())
    const compiled = await grammars.compile({ kind: 'choice', choices: ['ab', 'é'] })
    const mask = compiled.createTokenMask()
    expect(allowedIds(await mask(byteIds('ab')))).toEqual([endId])
    expect(allowedIds(await mask(byteIds('é').slice(0, 1)))).toEqual(byteIds('é').slice(1))
    expect(workers).toHaveLength(1)
    grammars.dispose()
  })

  it('refuse with the code and the place', async () => {
    const grammars = grammarsOver(() => startWorker())
    const schema = { properties: { a: { not: { type: 'null' } } } }
    await expect(grammars.compile({ kind: 'json', schema, options: {} })).rejects.toMatchObject({
      code: 'invalid-request',
      details: { where: '$.properties.a' },
    })
    // That was the request's fault, so the worker stays.
    await grammars.compile({ kind: 'choice', choices: ['a'] })
    expect(workers).toHaveLength(1)
    grammars.dispose()
  })

  it('end what is open when the worker fails, and start another for what comes next', async () => {
    let host: object = silent
    const grammars = grammarsOver(() => startWorker(host))
    const compiling = grammars.compile({ kind: 'choice', choices: ['a'] })
    while (workers.length === 0) await new Promise((resolve) => setTimeout(resolve))
    workers[0]?.fail?.('its script could not be loaded')
    await expect(compiling).rejects.toThrow('grammar.worker.js')
    expect(workers[0]?.isTerminated).toBe(true)
    host = new GrammarHost()
    const compiled = await grammars.compile({ kind: 'choice', choices: ['a'] })
    expect(allowedIds(await compiled.createTokenMask()([]))).toEqual(byteIds('a'))
    expect(workers).toHaveLength(2)
    grammars.dispose()
  })

  it('end what is open when they are disposed of', async () => {
    const grammars = grammarsOver(() => startWorker(silent))
    const compiling = grammars.compile({ kind: 'choice', choices: ['a'] })
    while (workers.length === 0) await new Promise((resolve) => setTimeout(resolve))
    grammars.dispose()
    await expect(compiling).rejects.toMatchObject({ code: 'disposed' })
    expect(workers[0]?.isTerminated).toBe(true)
  })

  it('start nothing before they are needed', () => {
    grammarsOver(() => startWorker()).dispose()
    expect(workers).toEqual([])
  })
})
