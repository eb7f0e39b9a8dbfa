import type { GpuContext } from './device.ts'

export type CountedBuffer = { readonly label: string; readonly bytes: number }

const nothing = {}

/**
 * A stand-in for a device that allocates, compiles and runs nothing and keeps a list of the buffers it
 * was asked for. What is built on it needs exactly the memory that it would need on the real one: there
 * is no second place where sizes are worked out.
 *
 * @param context The real device, whose limits and forms of kernels decide about sizes.
 */
export const createCountingContext = (
  context: GpuContext,
): { readonly context: GpuContext; readonly buffers: readonly CountedBuffer[] } => {
  const buffers: CountedBuffer[] = []
  const device = {
    limits: context.device.limits,
    features: context.device.features,
    // Never lost, so that nobody is told.
    lost: new Promise(() => {}),
    queue: { writeBuffer: () => {}, submit: () => {}, onSubmittedWorkDone: async () => {} },
    createBuffer: ({ label = '', size }: GPUBufferDescriptor) => {
      const buffer = { label, bytes: size }
      buffers.push(buffer)
      // One of its own, since layers compare the buffers that they are given.
      return buffer
    },
    createShaderModule: () => nothing,
    createBindGroupLayout: () => nothing,
    createPipelineLayout: () => nothing,
    createBindGroup: () => nothing,
    createComputePipelineAsync: async () => nothing,
    pushErrorScope: () => {},
    popErrorScope: async () => null,
    addEventListener: () => {},
  }
  return { context: { ...context, device: device as unknown as GPUDevice }, buffers }
}
