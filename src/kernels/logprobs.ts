import fixedMass from '../../shaders/lib/fixed-mass.wgsl?raw'
import orderKey from '../../shaders/lib/order-key.wgsl?raw'
import stepInput from '../../shaders/lib/step-input.wgsl?raw'
import workgroupBest from '../../shaders/lib/workgroup-best.wgsl?raw'
import logprobsSource from '../../shaders/logprobs.wgsl?raw'
import type { Grid } from '../gpu/command-recorder.ts'
import type { Reduction } from '../gpu/device.ts'
import { defineKernel, type KernelSpec } from '../gpu/kernel.ts'
import type { BoundKernel, PipelineCache } from '../gpu/pipeline-cache.ts'
import type { Tensor } from '../gpu/tensor.ts'

const workgroupSizes: Readonly<Record<Reduction, number>> = {
  none: 4,
  workgroup: 256,
  subgroup: 256,
}

/** Stands for an id where the vocabulary has fewer tokens than were asked for. */
const noToken = 0xffff_ffff

export const logprobs = defineKernel({
  name: 'logprobs',
  modules: [stepInput, orderKey, fixedMass, workgroupBest, logprobsSource],
  overrides: ['WORKGROUP_SIZE', 'VOCAB_SIZE', 'MAX_LISTED'],
  bindings: { step: 'read', logits: 'read', sampled_tokens: 'read', logprobs: 'read_write' },
})

export const specs: readonly KernelSpec[] = [logprobs]

/** Words of a result row: log probability and rank, then (id, log probability) of the listed. */
const rowLength = (maxListed: number): number => 2 + 2 * maxListed

/** The result of the kernel for `numSamples` rows, in bytes. */
export const logprobsBytes = (maxListed: number, numSamples: number): number =>
  rowLength(maxListed) * numSamples * 4

/**
 * `logits` f32 [sample][vocabSize], `sampled_tokens` u32 [sample], `logprobs` of `logprobsBytes`;
 * rows that do not ask for log probabilities are left as they are.
 */
export const bindLogprobs = async (
  pipelines: PipelineCache,
  options: {
    readonly reduction: Reduction
    readonly vocabSize: number
    /** Tokens beside the target that a row has room for. */
    readonly maxListed: number
  },
  buffers: {
    readonly step: Tensor
    readonly logits: Tensor
    readonly sampled_tokens: Tensor
    readonly logprobs: Tensor
  },
): Promise<BoundKernel> => {
  const kernel = await pipelines.compile(logprobs, {
    WORKGROUP_SIZE: workgroupSizes[options.reduction],
    VOCAB_SIZE: options.vocabSize,
    MAX_LISTED: options.maxListed,
  })
  return kernel.bind(buffers)
}

export const logprobsGrid = (numSamples: number): Grid => [numSamples, 1, 1]

export type LogprobRow = {
  /** Of the target, natural logarithm. */
  readonly logprob: number
  /** How many tokens are at least as likely as the target, itself included. */
  readonly rank: number
  /**
   * Most likely first, fewer than asked for where the vocabulary is smaller; or the ids asked for,
   * in their order.
   */
  readonly top: readonly { readonly tokenId: number; readonly logprob: number }[]
}

/** Reads one row of the kernel's result, with the `numListed` tokens that it asked for. */
export const readLogprobRow = (
  bytes: ArrayBuffer,
  options: { readonly sample: number; readonly maxListed: number; readonly numListed: number },
): LogprobRow => {
  const { sample, maxListed, numListed } = options
  const start = logprobsBytes(maxListed, sample)
  const words = new Uint32Array(bytes, start, rowLength(maxListed))
  const floats = new Float32Array(bytes, start, rowLength(maxListed))
  const top = Array.from({ length: numListed }, (_, place) => ({
    tokenId: words[2 + 2 * place]!,
    logprob: floats[3 + 2 * place]!,
  }))
  return {
    logprob: floats[0]!,
    rank: words[1]!,
    top: top.filter(({ tokenId }) => tokenId !== noToken),
  }
}
