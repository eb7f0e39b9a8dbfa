import { expect, test, vi } from 'vitest'
import type { GenerationOutput } from '../../../src/engine/generation.ts'
import { OutputQueue } from '../../../src/engine/output-queue.ts'
import { EngineError } from '../../../src/errors.ts'

const output = (
  newTokenIds: number[],
  finishReason: GenerationOutput['finishReason'] = null,
): GenerationOutput => ({
  newTokenIds,
  logprobs: null,
  promptLogprobs: null,
  numCachedTokens: 0,
  finishReason,
  stopTokenId: null,
})

const createQueue = () => {
  const onLeave = vi.fn<() => void>()
  const queue = new OutputQueue(onLeave)
  return { queue, onLeave, reader: queue[Symbol.asyncIterator]() }
}

test('wakes a waiting reader, and merges what it has not read', async () => {
  const { queue, reader } = createQueue()
  const waiting = reader.next()
  queue.push(output([1]))
  expect((await waiting).value).toEqual(output([1]))
  queue.push(output([2, 3]))
  queue.push(output([4], 'stop'))
  queue.push(output([5]))
  expect((await reader.next()).value).toEqual(output([2, 3, 4], 'stop'))
  expect(await reader.next()).toEqual({ done: true, value: undefined })
})

test('hands out what came before an error, then the error, then the end', async () => {
  const { queue, reader } = createQueue()
  queue.push(output([1]))
  queue.fail(new EngineError('device-lost', 'Lost.'))
  expect((await reader.next()).value).toEqual(output([1]))
  await expect(reader.next()).rejects.toThrow('Lost.')
  expect((await reader.next()).done).toBe(true)
})

test('an error after the last output is too late', async () => {
  const { queue, reader } = createQueue()
  queue.push(output([1], 'length'))
  queue.fail(new EngineError('device-lost', 'Lost.'))
  expect((await reader.next()).value).toEqual(output([1], 'length'))
  expect((await reader.next()).done).toBe(true)
})

test('a reader that leaves is reported, and a read under way ends', async () => {
  const { queue, reader, onLeave } = createQueue()
  const waiting = reader.next()
  await reader.return?.()
  expect(onLeave).toHaveBeenCalledOnce()
  expect((await waiting).done).toBe(true)
  queue.push(output([1]))
  expect((await reader.next()).done).toBe(true)
})
