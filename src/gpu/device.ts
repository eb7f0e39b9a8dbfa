import { EngineError } from '../errors.ts'

/** How a kernel adds partial results up; see `shaders/lib/reduce-*.wgsl`. */
export type Reduction = 'none' | 'workgroup' | 'subgroup'

export type GpuContext = {
  readonly device: GPUDevice
  readonly adapterName: string
  /** `shader-f16` was granted. */
  readonly hasF16: boolean
  /** `subgroups` was granted. */
  readonly hasSubgroups: boolean
  readonly subgroupMinSize: number
  readonly subgroupMaxSize: number
  /** The form of reductions that suits the adapter. */
  readonly reduction: Reduction
}

const wantedFeatures = ['shader-f16', 'subgroups', 'timestamp-query'] as const

// Worth more than the defaults of the specification wherever the adapter has more.
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxStorageBuffersPerShaderStage',
] as const

const describe = (info: GPUAdapterInfo): string =>
  [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'unknown adapter'

// CPU adapters pay for each barrier with a switch between all invocations: see kernels.md, E.
const isCpuAdapter = (info: GPUAdapterInfo): boolean =>
  info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(describe(info))

/** Waits between tries for an adapter while the browser starts its GPU process anew. */
const retryDelaysMs = [100, 400, 1600, 3200]

const findAdapter = async (gpu: GPU, isReplacement: boolean): Promise<GPUAdapter | null> => {
  const ask = () => gpu.requestAdapter({ powerPreference: 'high-performance' })
  let adapter = await ask()
  for (const delay of isReplacement ? retryDelaysMs : []) {
    if (adapter) break
    await new Promise((resolve) => setTimeout(resolve, delay))
    adapter = await ask()
  }
  return adapter
}

/**
 * Asks for a device with every feature and limit that Quire can use. A device takes its adapter
 * with it when it is lost, so each call asks for a new adapter.
 *
 * @param gpu `navigator.gpu`, or Dawn's in Node; undefined where the browser has none.
 * @param options.isReplacement A device was there before: waits up to 5.3 s for an adapter.
 * @throws EngineError `webgpu-unavailable` or `adapter-unavailable`, with the way out.
 */
export const requestGpu = async (
  gpu: GPU | undefined,
  options: { readonly reduction?: Reduction; readonly isReplacement?: boolean } = {},
): Promise<GpuContext> => {
  if (!gpu) {
    throw new EngineError(
      'webgpu-unavailable',
      'This browser has no WebGPU (navigator.gpu is missing). Use Chrome or Edge 113+, Safari 26+ ' +
        'or Firefox 141+ on a page served over https or from localhost, or send requests to a ' +
        'server instead.',
    )
  }
  const adapter = await findAdapter(gpu, options.isReplacement ?? false)
  if (!adapter) {
    throw new EngineError(
      'adapter-unavailable',
      'WebGPU is present but the browser offers no GPU adapter. Turn hardware acceleration on, ' +
        'update the graphics driver, or look at chrome://gpu for the reason.',
    )
  }
  const features = wantedFeatures.filter((feature) => adapter.features.has(feature))
  const requiredLimits: Record<string, number> = {}
  for (const limit of wantedLimits) requiredLimits[limit] = adapter.limits[limit]
  const device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits })
  const { info } = adapter
  const hasSubgroups = device.features.has('subgroups')
  const suited: Reduction = isCpuAdapter(info) ? 'none' : hasSubgroups ? 'subgroup' : 'workgroup'
  const reduction = options.reduction ?? suited
  if (reduction === 'subgroup' && !hasSubgroups) {
    throw new EngineError(
      'adapter-unavailable',
      `The reduction 'subgroup' was asked for, but ${describe(info)} has no subgroups. ` +
        `Use 'workgroup' or 'none'.`,
    )
  }
  return {
    device,
    adapterName: describe(info),
    hasF16: device.features.has('shader-f16'),
    hasSubgroups,
    subgroupMinSize: info.subgroupMinSize,
    subgroupMaxSize: info.subgroupMaxSize,
    reduction,
  }
}
