import { requestGpu, type GpuContext, type Reduction } from '../../src/gpu/device.ts'
import { bufferUsage, mapModeRead } from '../../src/gpu/webgpu-constants.ts'
import type { Tensor } from '../../src/gpu/tensor.ts'

/** `navigator.gpu` in Chromium, Dawn in Node (its driver is named by VK_ICD_FILENAMES). */
const findGpu = async (): Promise<GPU | undefined> => {
  if (typeof navigator !== 'undefined' && navigator.gpu) return navigator.gpu
  const { create } = await import('webgpu')
  return create([])
}

let gpu: Promise<GPU | undefined> | undefined

/** A device for one test file. */
export const testContext = async (reduction?: Reduction): Promise<GpuContext> => {
  gpu ??= findGpu()
  return requestGpu(await gpu, reduction ? { reduction } : {})
}

/** All bytes of a tensor, after everything submitted so far. */
export const readTensor = async (device: GPUDevice, tensor: Tensor): Promise<ArrayBuffer> => {
  const target = device.createBuffer({
    size: tensor.byteLength,
    usage: bufferUsage.mapRead | bufferUsage.copyDst,
  })
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(tensor.buffer, tensor.byteOffset, target, 0, tensor.byteLength)
  device.queue.submit([encoder.finish()])
  await target.mapAsync(mapModeRead)
  const bytes = target.getMappedRange().slice(0)
  target.destroy()
  return bytes
}

export const readFloats = async (device: GPUDevice, tensor: Tensor): Promise<Float32Array> =>
  new Float32Array(await readTensor(device, tensor))

/** NaN everywhere: what a kernel fails to write stays visible. */
export const poison = (device: GPUDevice, tensor: Tensor): void => {
  const words = new Uint32Array(tensor.byteLength / 4).fill(0x7fc0_dead)
  device.queue.writeBuffer(tensor.buffer, tensor.byteOffset, words)
}

/** Deterministic numbers in [-1, 1). */
export const randomFloats = (length: number, seed: number): Float32Array<ArrayBuffer> => {
  let state = seed >>> 0 || 1
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}
