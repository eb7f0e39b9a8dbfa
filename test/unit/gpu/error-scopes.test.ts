import { expect, it } from 'vitest'
import { inErrorScopes } from '../../../src/gpu/error-scopes.ts'
import { FakeDevice } from './fake-gpu.ts'

const allocate = (device: FakeDevice, size: number) =>
  inErrorScopes(device.asGpuDevice(), () => device.createBuffer({ size }))

it('passes the result on when WebGPU has nothing against it', async () => {
  await expect(inErrorScopes(new FakeDevice(10).asGpuDevice(), () => 7)).resolves.toBe(7)
})

it('reports memory that ran out, though no call threw', async () => {
  const device = new FakeDevice(10)
  await expect(allocate(device, 11)).rejects.toMatchObject({ code: 'out-of-memory' })
})

it('names memory rather than what came of it', async () => {
  const device = new FakeDevice(10)
  const work = inErrorScopes(device.asGpuDevice(), () => {
    device.createBuffer({ size: 11 })
    device.report('validation', { message: 'the buffer is invalid' })
    throw new TypeError('no buffer')
  })
  await expect(work).rejects.toMatchObject({ code: 'out-of-memory' })
})

it('reports a call that WebGPU refused', async () => {
  const device = new FakeDevice(10)
  const work = inErrorScopes(device.asGpuDevice(), () => {
    device.report('validation', { message: 'the buffer is too large' })
  })
  await expect(work).rejects.toMatchObject({ code: 'internal', message: /the buffer is too large/ })
})

it('passes on what the work throws, and leaves no scope behind', async () => {
  const device = new FakeDevice(10)
  const work = inErrorScopes(device.asGpuDevice(), () => Promise.reject(new TypeError('mine')))
  await expect(work).rejects.toThrow('mine')
  expect(await device.popErrorScope()).toBeNull()
  const errors: GPUError[] = []
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error))
  device.reportOutOfMemory()
  expect(errors).toHaveLength(1)
})

it('names the loss of a device that went away meanwhile', async () => {
  const device = new FakeDevice(10)
  const work = inErrorScopes(device.asGpuDevice(), async () => {
    device.destroy()
    await device.queue.onSubmittedWorkDone()
  })
  await expect(work).rejects.toMatchObject({ code: 'device-lost', message: /the test pulled/ })
})
