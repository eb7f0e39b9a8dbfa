import { EngineError } from '../errors.ts'
import { bufferUsage } from './webgpu-constants.ts'

/** A range of a GPU buffer that a kernel can bind. Sizes and offsets in bytes. */
export type Tensor = {
  readonly label: string
  readonly buffer: GPUBuffer
  readonly byteOffset: number
  readonly byteLength: number
}

/**
 * Allocates a zeroed storage buffer, rounded up to a multiple of 16 bytes so that it can be bound
 * as `array<vec4<…>>`.
 *
 * @throws EngineError `limit-exceeded` when it is larger than the adapter can bind.
 */
export const createTensor = (device: GPUDevice, label: string, byteLength: number): Tensor => {
  const size = Math.max(16, Math.ceil(byteLength / 16) * 16)
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize)
  if (size > limit) {
    throw new EngineError(
      'limit-exceeded',
      `The buffer '${label}' needs ${size} bytes, but this adapter binds at most ${limit} ` +
        '(maxStorageBufferBindingSize). Choose a smaller model, a denser quantization or a ' +
        'shorter context.',
      { details: { buffer: label, needed: size, limit } },
    )
  }
  const buffer = device.createBuffer({
    label,
    size,
    usage: bufferUsage.storage | bufferUsage.copySrc | bufferUsage.copyDst,
  })
  return { label, buffer, byteOffset: 0, byteLength: size }
}

/** Allocates a storage buffer with the given content. */
export const uploadTensor = (
  device: GPUDevice,
  label: string,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): Tensor => {
  const tensor = createTensor(device, label, data.byteLength)
  device.queue.writeBuffer(tensor.buffer, 0, data)
  return tensor
}
