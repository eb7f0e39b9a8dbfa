import type { CommandRecorder } from '../gpu/command-recorder.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { bindSampleMerge, sampleMergeGrid } from '../kernels/sample-merge.ts'
import {
  bindSamplePartial,
  samplePartialGrid,
  samplePartialsBytes,
} from '../kernels/sample-partial.ts'
import type { Gpu } from './gpu.ts'

export type TokenSampler = {
  encode(recorder: CommandRecorder, numSamples: number): void
}

/**
 * Draws a token from each row of logits by the knobs of the step's sample rows, exactly over the
 * whole vocabulary. The same (logits, knobs, seed, position) gives the same token on every form of
 * the kernels and in any batch.
 *
 * `logits` is f32 [sample][vocabSize]; token ids go to `sampledTokens` u32 [sample] and to
 * `lastTokens` u32 [slot], where the next step's embedding finds them.
 */
export const createTokenSampler = async (
  gpu: Gpu,
  options: {
    readonly logits: Tensor
    readonly step: Tensor
    readonly lastTokens: Tensor
    readonly sampledTokens: Tensor
    readonly vocabSize: number
    readonly maxNumSamples: number
  },
): Promise<TokenSampler> => {
  const { logits, step, vocabSize, maxNumSamples } = options
  const partials = createTensor(
    gpu.context.device,
    'sample partials',
    samplePartialsBytes(vocabSize, maxNumSamples),
  )
  const variant = { reduction: gpu.context.reduction, vocabSize }
  const [partial, merge] = await Promise.all([
    bindSamplePartial(gpu.pipelines, variant, { step, logits, partials }),
    bindSampleMerge(gpu.pipelines, variant, {
      step,
      logits,
      partials,
      sampled_tokens: options.sampledTokens,
      last_tokens: options.lastTokens,
    }),
  ])
  return {
    encode: (recorder, numSamples) => {
      recorder.dispatch(partial, samplePartialGrid(vocabSize, numSamples))
      recorder.dispatch(merge, sampleMergeGrid(numSamples))
    },
  }
}
