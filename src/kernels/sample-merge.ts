import fixedMass from '../../shaders/lib/fixed-mass.wgsl?raw'
import orderKey from '../../shaders/lib/order-key.wgsl?raw'
import randomModule from '../../shaders/lib/random.wgsl?raw'
import sampleRow from '../../shaders/lib/sample-row.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import workgroupBest from '../../shaders/lib/workgroup-best.wgsl?raw'
import sampleMergeSource from '../../shaders/sample-merge.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'
import { numSampleChunks } from './sample-partial.ts'

const workgroupSizes: Readonly<Record<Reduction, number>> = {
  none: 4,
  workgroup: 256,
  subgroup: 256,
}

export const sampleMerge = defineKernel({
  name: 'sample-merge',
  modules: [
    stepInput,
    sampleRow,
    orderKey,
    fixedMass,
    randomModule,
    workgroupBest,
    sampleMergeSource,
  ],
  overrides: ['WORKGROUP_SIZE', 'VOCAB_SIZE', 'NUM_CHUNKS'],
  bindings: {
    step: 'read',
    logits: 'read',
    partials: 'read',
    sampled_tokens: 'read_write',
    last_tokens: 'read_write',
  },
})

export const specs: readonly KernelSpec[] = [sampleMerge]

/** `sampled_tokens` u32 [sample], `last_tokens` u32 [slot]. */
export const bindSampleMerge = async (
  pipelines: PipelineCache,
  options: { readonly reduction: Reduction; readonly vocabSize: number },
  buffers: {
    readonly step: Tensor
    readonly logits: Tensor
    readonly partials: Tensor
    readonly sampled_tokens: Tensor
    readonly last_tokens: Tensor
  },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(sampleMerge, {
    WORKGROUP_SIZE: workgroupSizes[options.reduction],
    VOCAB_SIZE: options.vocabSize,
    NUM_CHUNKS: numSampleChunks(options.vocabSize),
  })
  return kernel.bind(buffers)
}

export const sampleMergeGrid = (numSamples: number): Grid => [numSamples, 1, 1]
