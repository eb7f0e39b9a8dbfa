import type { BoundKernel } from './pipeline-cache.ts'

/** Workgroups in x, y and z. */
export type Grid = readonly [number, number, number]

/**
 * Records one step: one encoder, one compute pass, one submit. WebGPU orders the dispatches of a
 * pass and makes each one's writes visible to the next.
 */
export class CommandRecorder {
  readonly #device: GPUDevice
  readonly #encoder: GPUCommandEncoder
  readonly #pass: GPUComputePassEncoder
  #pipeline: GPUComputePipeline | null = null
  #numDispatches = 0

  constructor(
    device: GPUDevice,
    options: { readonly timestampWrites?: GPUComputePassTimestampWrites } = {},
  ) {
    this.#device = device
    this.#encoder = device.createCommandEncoder()
    this.#pass = this.#encoder.beginComputePass(options)
  }

  get numDispatches(): number {
    return this.#numDispatches
  }

  dispatch(kernel: BoundKernel, grid: Grid): void {
    if (grid[0] === 0 || grid[1] === 0 || grid[2] === 0) return
    if (kernel.pipeline !== this.#pipeline) {
      this.#pass.setPipeline(kernel.pipeline)
      this.#pipeline = kernel.pipeline
    }
    this.#pass.setBindGroup(0, kernel.bindGroup)
    this.#pass.dispatchWorkgroups(grid[0], grid[1], grid[2])
    this.#numDispatches++
  }

  /** Ends the pass, lets `after` add copies to the encoder, and submits. */
  submit(after?: (encoder: GPUCommandEncoder) => void): void {
    this.#pass.end()
    after?.(this.#encoder)
    this.#device.queue.submit([this.#encoder.finish()])
  }
}

/** A grid for `count` workgroups that keeps x within the limit of 65,535; use `flat_workgroup`. */
export const flatGrid = (count: number): Grid => {
  const limit = 65_535
  return count <= limit ? [count, 1, 1] : [limit, Math.ceil(count / limit), 1]
}
