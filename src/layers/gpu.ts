import type { GpuContext } from '../gpu/device.ts'
import type { PipelineCache } from '../gpu/pipeline-cache.ts'

/** What a layer needs to compile its kernels. */
export type Gpu = { readonly context: GpuContext; readonly pipelines: PipelineCache }
