import { EngineError } from '../errors.ts'
import { deviceLost } from '../gpu/error-scopes.ts'

/**
 * Owns a device and notices what goes wrong on it. WebGPU reports validation, memory and loss out of
 * band: the next step must not hide them.
 */
export class DeviceWatch {
  /** Resolves once the device can run no more steps, with the reason; never rejects. */
  readonly failed: Promise<EngineError>
  readonly #device: GPUDevice
  #failure: EngineError | null = null
  #reportFailure: (error: EngineError) => void = () => {}

  constructor(device: GPUDevice) {
    this.#device = device
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve
    })
    device.addEventListener('uncapturederror', ({ error }) => {
      // By name: Dawn for Node keeps its classes off globalThis.
      const isMemory = error.constructor.name === 'GPUOutOfMemoryError'
      this.#fail(
        isMemory
          ? new EngineError('out-of-memory', `The GPU ran out of memory: ${error.message}`)
          : new EngineError('internal', `WebGPU refused a step: ${error.message}`),
      )
    })
    void device.lost.then(({ message, reason }) => {
      this.#fail(deviceLost(message || reason))
    })
  }

  /** @throws EngineError what failed first. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure
  }

  /** A result counts only if nothing had failed by the time it came. */
  async whileAlive<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      const result = await read()
      this.throwIfFailed()
      return result
    } catch (thrown) {
      throw this.#fail(EngineError.from(thrown))
    }
  }

  /** What was in flight ends with `disposed`; `failed` stays pending, as nothing has gone wrong. */
  dispose(): void {
    this.#failure ??= new EngineError('disposed', 'The engine was disposed.')
    this.#device.destroy()
  }

  /** The first failure is the reason for those after it. */
  #fail(error: EngineError): EngineError {
    if (this.#failure) return this.#failure
    this.#failure = error
    this.#reportFailure(error)
    return error
  }
}
