import { describe, expect, it } from 'vitest'
import { ReadbackRing } from '../../../src/gpu/readback-ring.ts'
import { FakeDevice } from './fake-gpu.ts'

const start = () => {
  const device = new FakeDevice(Infinity)
  const gpuDevice = device.asGpuDevice()
  const ring = new ReadbackRing(gpuDevice, 8)
  const source = gpuDevice.createBuffer({ size: 8, usage: 0 })
  return { device, copy: () => ring.copy(gpuDevice.createCommandEncoder(), source, 8) }
}

describe('bytes that come back', () => {
  it('reuses a buffer once its bytes have been copied out', async () => {
    const { device, copy } = start()
    const first = copy()
    const second = copy()
    expect((await first()).byteLength).toBe(8)
    await second()
    const usedBytes = device.usedBytes
    await copy()()
    expect(device.usedBytes).toBe(usedBytes)
  })

  it('never come from a device lost before they arrived', async () => {
    const { device, copy } = start()
    const bytes = copy()()
    device.destroy()
    await expect(bytes).rejects.toMatchObject({ code: 'device-lost' })
  })

  it('never come from a device lost between their arrival and their being taken', async () => {
    const { device, copy } = start()
    const bytes = copy()()
    device.afterMap = () => device.destroy()
    await expect(bytes).rejects.toMatchObject({ code: 'device-lost' })
  })
})
