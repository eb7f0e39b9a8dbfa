type Scope = { readonly filter: GPUErrorFilter; error: GPUError | null }

// Named like the browser's own class, by which errors are told apart.
class GPUOutOfMemoryError {
  readonly message = 'no room for the buffer'
}

const limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxStorageBuffersPerShaderStage: 8,
}

const aborted = () => new DOMException('Buffer was unmapped.', 'AbortError')

/**
 * A device that computes nothing: whatever is read back is zero. It keeps count of memory and dies
 * as the specification says, which no software adapter does on demand.
 */
export class FakeDevice {
  readonly limits = limits
  readonly features = new Set<string>()
  readonly lost: Promise<GPUDeviceLostInfo>
  readonly queue = {
    writeBuffer: () => {},
    submit: () => {
      this.numSubmits += 1
    },
    // Resolves on a lost device as well.
    onSubmittedWorkDone: () => Promise.resolve(),
  }
  numSubmits = 0
  usedBytes = 0
  isLost = false
  /** Called when a buffer has been mapped, before anybody reacts to it. */
  afterMap = (): void => {}
  readonly #memoryBytes: number
  readonly #scopes: Scope[] = []
  readonly #listeners: ((event: { readonly error: GPUError }) => void)[] = []
  readonly #pendingMaps = new Set<() => void>()
  #resolveLost: (info: GPUDeviceLostInfo) => void = () => {}

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve
    })
  }

  addEventListener(_: string, listener: (event: { readonly error: GPUError }) => void): void {
    this.#listeners.push(listener)
  }

  pushErrorScope(filter: GPUErrorFilter): void {
    this.#scopes.push({ filter, error: null })
  }

  popErrorScope(): Promise<GPUError | null> {
    return Promise.resolve(this.#scopes.pop()?.error ?? null)
  }

  /** As the driver would report it: to the innermost scope for it, or to the page. */
  report(filter: GPUErrorFilter, error: GPUError): void {
    const scope = this.#scopes.findLast((candidate) => candidate.filter === filter)
    if (scope) scope.error ??= error
    else for (const listener of this.#listeners) listener({ error })
  }

  reportOutOfMemory(): void {
    this.report('out-of-memory', new GPUOutOfMemoryError())
  }

  createBuffer({ size }: { readonly size: number }) {
    this.usedBytes += size
    if (this.usedBytes > this.#memoryBytes) this.reportOutOfMemory()
    return {
      mapAsync: () =>
        new Promise<void>((resolve, reject) => {
          if (this.isLost) return reject(aborted())
          const abort = () => reject(aborted())
          this.#pendingMaps.add(abort)
          setImmediate(() => {
            this.#pendingMaps.delete(abort)
            resolve()
            this.afterMap()
          })
        }),
      getMappedRange: () => {
        if (this.isLost) throw new DOMException('Buffer is not mapped.', 'OperationError')
        return new ArrayBuffer(size)
      },
      unmap: () => {},
    }
  }

  createShaderModule = () => ({})
  createBindGroupLayout = () => ({})
  createPipelineLayout = () => ({})
  createBindGroup = () => ({})
  createComputePipelineAsync = () => Promise.resolve({})
  createCommandEncoder = () => ({
    beginComputePass: () => ({
      setPipeline: () => {},
      setBindGroup: () => {},
      dispatchWorkgroups: () => {},
      end: () => {},
    }),
    copyBufferToBuffer: () => {},
    finish: () => ({}),
  })

  destroy(): void {
    if (this.isLost) return
    this.isLost = true
    this.usedBytes = 0
    for (const abort of this.#pendingMaps) abort()
    this.#resolveLost({
      reason: 'destroyed',
      message: 'the test pulled it out',
    } as GPUDeviceLostInfo)
  }

  asGpuDevice(): GPUDevice {
    return this as unknown as GPUDevice
  }
}

/** A platform whose adapters give one device each; `devices` has them in order. */
export class FakeGpu {
  readonly devices: FakeDevice[] = []
  /** Requests for an adapter that find none, from the next one on. */
  numMissingAdapters = 0
  numAdapterRequests = 0
  memoryBytes: number
  /** Called with each device that is handed out. */
  onDevice: (device: FakeDevice) => void = () => {}

  constructor(memoryBytes = Infinity) {
    this.memoryBytes = memoryBytes
  }

  requestAdapter(): Promise<GPUAdapter | null> {
    this.numAdapterRequests += 1
    if (this.numMissingAdapters > 0) {
      this.numMissingAdapters -= 1
      return Promise.resolve(null)
    }
    const adapter = {
      features: new Set<string>(),
      limits,
      info: { description: 'fake', subgroupMinSize: 4, subgroupMaxSize: 4 },
      requestDevice: () => {
        const device = new FakeDevice(this.memoryBytes)
        this.devices.push(device)
        this.onDevice(device)
        return Promise.resolve(device)
      },
    }
    return Promise.resolve(adapter as unknown as GPUAdapter)
  }

  asGpu(): GPU {
    return this as unknown as GPU
  }
}
