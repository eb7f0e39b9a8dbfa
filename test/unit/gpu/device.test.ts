import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { requestGpu } from '../../../src/gpu/device.ts'
import { FakeGpu } from './fake-gpu.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('does not wait for the first adapter: a machine without one has none later either', async () => {
  const gpu = new FakeGpu()
  gpu.numMissingAdapters = 1
  await expect(requestGpu(gpu.asGpu())).rejects.toMatchObject({ code: 'adapter-unavailable' })
  expect(gpu.numAdapterRequests).toBe(1)
})

it('waits for the adapter of a replacement while the GPU process starts anew', async () => {
  const gpu = new FakeGpu()
  gpu.numMissingAdapters = 3
  const context = requestGpu(gpu.asGpu(), { isReplacement: true })
  await vi.advanceTimersByTimeAsync(10_000)
  expect((await context).device).toBe(gpu.devices[0])
  expect(gpu.numAdapterRequests).toBe(4)
})

it('gives up on a replacement in the end', async () => {
  const gpu = new FakeGpu()
  gpu.numMissingAdapters = Infinity
  const refused = expect(requestGpu(gpu.asGpu(), { isReplacement: true })).rejects.toMatchObject({
    code: 'adapter-unavailable',
  })
  await vi.advanceTimersByTimeAsync(10_000)
  await refused
})
