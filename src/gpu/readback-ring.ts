import { deviceLost } from './error-scopes.ts'
import { bufferUsage, mapModeRead } from './webgpu-constants.ts'

/**
 * Mapped buffers through which small results come back while later steps already run. A buffer is
 * reused once its bytes have been copied out.
 */
export class ReadbackRing {
  readonly #device: GPUDevice
  readonly #byteLength: number
  readonly #free: GPUBuffer[] = []

  constructor(device: GPUDevice, byteLength: number) {
    this.#device = device
    this.#byteLength = Math.ceil(byteLength / 4) * 4
  }

  /**
   * Adds the copy to `encoder`; call the returned function after the submit to get the bytes.
   * These come from a device that still lives: on a lost one the function throws.
   */
  copy(
    encoder: GPUCommandEncoder,
    source: GPUBuffer,
    byteLength: number,
  ): () => Promise<ArrayBuffer> {
    const target =
      this.#free.pop() ??
      this.#device.createBuffer({
        label: 'readback',
        size: this.#byteLength,
        usage: bufferUsage.mapRead | bufferUsage.copyDst,
      })
    encoder.copyBufferToBuffer(source, 0, target, 0, byteLength)
    return async () => {
      try {
        await target.mapAsync(mapModeRead, 0, byteLength)
        // Throws as well: a device that is lost by now has unmapped its buffers.
        const bytes = target.getMappedRange(0, byteLength).slice(0)
        target.unmap()
        this.#free.push(target)
        return bytes
      } catch (cause) {
        throw deviceLost('its results could not be read back', cause)
      }
    }
  }
}
