import adjustLogitsSource from '../../shaders/adjust-logits.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const chunk = 2048
const workgroupSizes: Readonly<Record<Reduction, number>> = {
  none: 4,
  workgroup: 128,
  subgroup: 128,
}

export const adjustLogits = defineKernel({
  name: 'adjust-logits',
  modules: [stepInput, adjustLogitsSource],
  overrides: ['WORKGROUP_SIZE', 'VOCAB_SIZE', 'CHUNK'],
  bindings: { step: 'read', last_tokens: 'read', logits: 'read', adjusted: 'read_write' },
})

export const specs: readonly KernelSpec[] = [adjustLogits]

/** `logits` and `adjusted` are f32 [sample][vocabSize], `last_tokens` u32 [slot]. */
export const bindAdjustLogits = async (
  pipelines: PipelineCache,
  options: { readonly reduction: Reduction; readonly vocabSize: number },
  buffers: {
    readonly step: Tensor
    readonly last_tokens: Tensor
    readonly logits: Tensor
    readonly adjusted: Tensor
  },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(adjustLogits, {
    WORKGROUP_SIZE: workgroupSizes[options.reduction],
    VOCAB_SIZE: options.vocabSize,
    CHUNK: chunk,
  })
  return kernel.bind(buffers)
}

export const adjustLogitsGrid = (vocabSize: number, numSamples: number): Grid => [
  Math.ceil(vocabSize / chunk),
  numSamples,
  1,
]
