import { EngineError } from '../errors.ts'
import type { GpuContext } from './device.ts'
import { directives, type BindingsOf, type KernelSpec, type OverridesOf } from './kernel.ts'
import type { Tensor } from './tensor.ts'
import { shaderStageCompute } from './webgpu-constants.ts'

/** A pipeline with its buffers: all that a dispatch needs besides the grid. */
export type BoundKernel = {
  readonly name: string
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
}

/** A compiled kernel; bind it once to its buffers, then dispatch it every step. */
export type CompiledKernel<Spec extends KernelSpec> = {
  bind(tensors: Readonly<Record<BindingsOf<Spec>, Tensor>>): BoundKernel
}

const compilationErrors = async (module: GPUShaderModule, name: string): Promise<string> => {
  const { messages } = await module.getCompilationInfo()
  return messages
    .filter((message) => message.type === 'error')
    .map((message) => `${name}:${message.lineNum}:${message.linePos} ${message.message}`)
    .join('\n')
}

/** Compiles each distinct (source, overrides) once a device; compilations run in parallel. */
export class PipelineCache {
  readonly #context: GpuContext
  readonly #layouts = new Map<string, GPUBindGroupLayout>()
  readonly #modules = new Map<string, GPUShaderModule>()
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>()

  constructor(context: GpuContext) {
    this.#context = context
  }

  /** @throws EngineError `shader-compilation` with file, line and column. */
  async compile<Spec extends KernelSpec>(
    spec: Spec,
    overrides: OverridesOf<Spec>,
  ): Promise<CompiledKernel<Spec>> {
    const { device } = this.#context
    const body = spec.modules.join('\n')
    const source = `${directives(body)}\n${body}`
    const layout = this.#layout(spec)
    const values: Readonly<Record<string, number>> = overrides
    const key = `${source}\0${spec.overrides.map((name) => values[name]).join()}`
    let pipeline = this.#pipelines.get(key)
    if (!pipeline) {
      pipeline = this.#createPipeline(spec, source, overrides, layout)
      this.#pipelines.set(key, pipeline)
    }
    const compiled = await pipeline
    const names = Object.keys(spec.bindings) as BindingsOf<Spec>[]
    return {
      bind: (tensors) => ({
        name: spec.name,
        pipeline: compiled,
        bindGroup: device.createBindGroup({
          label: spec.name,
          layout,
          entries: names.map((name, binding) => {
            const { buffer, byteOffset, byteLength } = tensors[name]
            return { binding, resource: { buffer, offset: byteOffset, size: byteLength } }
          }),
        }),
      }),
    }
  }

  #layout(spec: KernelSpec): GPUBindGroupLayout {
    const accesses = Object.values(spec.bindings)
    const key = accesses.join()
    let layout = this.#layouts.get(key)
    if (!layout) {
      const { maxStorageBuffersPerShaderStage: limit } = this.#context.device.limits
      if (accesses.length > limit) {
        throw new EngineError(
          'limit-exceeded',
          `The kernel '${spec.name}' binds ${accesses.length} buffers, but this adapter allows ` +
            `${limit} (maxStorageBuffersPerShaderStage).`,
        )
      }
      layout = this.#context.device.createBindGroupLayout({
        entries: accesses.map((access, binding) => ({
          binding,
          visibility: shaderStageCompute,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      })
      this.#layouts.set(key, layout)
    }
    return layout
  }

  async #createPipeline(
    spec: KernelSpec,
    source: string,
    overrides: Readonly<Record<string, number>>,
    layout: GPUBindGroupLayout,
  ): Promise<GPUComputePipeline> {
    const { device } = this.#context
    let module = this.#modules.get(source)
    if (!module) {
      module = device.createShaderModule({ label: spec.name, code: source })
      this.#modules.set(source, module)
    }
    try {
      return await device.createComputePipelineAsync({
        label: spec.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main', constants: { ...overrides } },
      })
    } catch (cause) {
      const reason = (await compilationErrors(module, spec.name)) || String(cause)
      throw new EngineError('shader-compilation', `The kernel '${spec.name}' failed: ${reason}`, {
        cause,
        details: { kernel: spec.name },
      })
    }
  }
}
