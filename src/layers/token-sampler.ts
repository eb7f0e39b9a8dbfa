import type { CommandRecorder } from '../gpu/command-recorder.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { adjustLogitsGrid, bindAdjustLogits } from '../kernels/adjust-logits.ts'
import { bindLogprobs, logprobsBytes, logprobsGrid } from '../kernels/logprobs.ts'
import { bindSampleMerge, sampleMergeGrid } from '../kernels/sample-merge.ts'
import {
  bindSamplePartial,
  samplePartialGrid,
  samplePartialsBytes,
} from '../kernels/sample-partial.ts'
import type { Gpu } from './gpu.ts'

/** What the step's sample rows ask for beyond a draw; costs a dispatch each. */
export type SamplerExtras = {
  /** Whether any row has adjustments, a mask or penalties. */
  readonly adjustsLogits: boolean
  /** The most that any row asks for: 0, or 1 + a number of tokens beside its own. */
  readonly logprobs: number
}

export type TokenSampler = {
  /** One row a sample, in a step that asked for log probabilities; see `readLogprobRow`. */
  readonly logprobs: Tensor
  encode(recorder: CommandRecorder, numSamples: number, extras: SamplerExtras): void
}

export type TokenSamplerOptions = {
  readonly logits: Tensor
  readonly step: Tensor
  readonly lastTokens: Tensor
  readonly sampledTokens: Tensor
  readonly vocabSize: number
  readonly maxNumSamples: number
  /** The tokens beside its own that a row may ask for. */
  readonly maxListed: number
}

/** The two kernels of a draw from `logits`. */
const bindDraw = async (
  gpu: Gpu,
  options: TokenSamplerOptions,
  { logits, partials }: { readonly logits: Tensor; readonly partials: Tensor },
) => {
  const { step, vocabSize } = options
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
  return (recorder: CommandRecorder, numSamples: number): void => {
    recorder.dispatch(partial, samplePartialGrid(vocabSize, numSamples))
    recorder.dispatch(merge, sampleMergeGrid(numSamples))
  }
}

/**
 * Draws a token from each row of logits by the knobs of the step's sample rows, exactly over the
 * whole vocabulary. The same (logits, knobs, seed, position) gives the same token on every form of
 * the kernels and in any batch; log probabilities are those of the logits before any adjustment.
 *
 * `logits` is f32 [sample][vocabSize]; token ids go to `sampledTokens` u32 [sample] and to
 * `lastTokens` u32 [slot], where the next step's embedding finds them. Where rows share a slot, any
 * one of their tokens stays in it.
 */
export const createTokenSampler = async (
  gpu: Gpu,
  options: TokenSamplerOptions,
): Promise<TokenSampler> => {
  const { logits, step, vocabSize, maxNumSamples, maxListed } = options
  const { device, reduction } = gpu.context
  const variant = { reduction, vocabSize }
  const partials = createTensor(
    device,
    'sample partials',
    samplePartialsBytes(vocabSize, maxNumSamples),
  )
  const adjusted = createTensor(device, 'adjusted logits', maxNumSamples * vocabSize * 4)
  const logprobs = createTensor(device, 'logprobs', logprobsBytes(maxListed, maxNumSamples))
  const [drawPlain, drawAdjusted, adjust, report] = await Promise.all([
    bindDraw(gpu, options, { logits, partials }),
    bindDraw(gpu, options, { logits: adjusted, partials }),
    bindAdjustLogits(gpu.pipelines, variant, {
      step,
      last_tokens: options.lastTokens,
      logits,
      adjusted,
    }),
    bindLogprobs(
      gpu.pipelines,
      { ...variant, maxListed },
      { step, logits, sampled_tokens: options.sampledTokens, logprobs },
    ),
  ])
  return {
    logprobs,
    encode: (recorder, numSamples, extras) => {
      if (extras.adjustsLogits) {
        recorder.dispatch(adjust, adjustLogitsGrid(vocabSize, numSamples))
        drawAdjusted(recorder, numSamples)
      } else {
        drawPlain(recorder, numSamples)
      }
      if (extras.logprobs > 0) recorder.dispatch(report, logprobsGrid(numSamples))
    },
  }
}
