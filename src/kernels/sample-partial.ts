import orderKey from '../../shaders/lib/order-key.wgsl?raw'
import randomModule from '../../shaders/lib/random.wgsl?raw'
import sampleRow from '../../shaders/lib/sample-row.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import workgroupBest from '../../shaders/lib/workgroup-best.wgsl?raw'
import samplePartialSource from '../../shaders/sample-partial.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const chunk = 2048
// The tree at the end of a chunk is short beside the chunk, so a CPU adapter needs no form of its
// own: a workgroup no wider than its smallest subgroup switches between no invocations.
const workgroupSizes: Readonly<Record<Reduction, number>> = {
  none: 4,
  workgroup: 128,
  subgroup: 128,
}

export const samplePartial = defineKernel({
  name: 'sample-partial',
  modules: [stepInput, sampleRow, orderKey, randomModule, workgroupBest, samplePartialSource],
  overrides: ['WORKGROUP_SIZE', 'VOCAB_SIZE', 'CHUNK'],
  bindings: { step: 'read', logits: 'read', partials: 'read_write' },
})

export const specs: readonly KernelSpec[] = [samplePartial]

export const numSampleChunks = (vocabSize: number): number => Math.ceil(vocabSize / chunk)

/** The scratch between `sample-partial` and `sample-merge`, in bytes. */
export const samplePartialsBytes = (vocabSize: number, maxNumSamples: number): number =>
  numSampleChunks(vocabSize) * maxNumSamples * 8

/** `logits` f32 [sample][vocabSize], `partials` of `samplePartialsBytes`. */
export const bindSamplePartial = async (
  pipelines: PipelineCache,
  options: { readonly reduction: Reduction; readonly vocabSize: number },
  buffers: { readonly step: Tensor; readonly logits: Tensor; readonly partials: Tensor },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(samplePartial, {
    WORKGROUP_SIZE: workgroupSizes[options.reduction],
    VOCAB_SIZE: options.vocabSize,
    CHUNK: chunk,
  })
  return kernel.bind(buffers)
}

export const samplePartialGrid = (vocabSize: number, numSamples: number): Grid => [
  numSampleChunks(vocabSize),
  numSamples,
  1,
]
