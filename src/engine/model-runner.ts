import { CommandRecorder } from '../gpu/command-recorder.ts'
import { inErrorScopes } from '../gpu/error-scopes.ts'
import { PipelineCache } from '../gpu/pipeline-cache.ts'
import { ReadbackRing } from '../gpu/readback-ring.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import type { GpuContext } from '../gpu/device.ts'
import type { KvFormat } from '../kernels/kv-format.ts'
import { logprobsBytes, readLogprobRow } from '../kernels/logprobs.ts'
import type { StepShape } from '../layers/step-shape.ts'
import { createTokenSampler, type TokenSampler } from '../layers/token-sampler.ts'
import type { ModelConfig } from '../models/model-config.ts'
import type { LayerKvCache, Model } from '../models/model.ts'
import { createModel } from '../models/create-model.ts'
import type { WeightLoader } from '../weights/weight-loader.ts'
import { blockSize } from './block-manager.ts'
import { DeviceWatch } from './device-watch.ts'
import { createKvCache } from './kv-cache.ts'
import type { TokenLogprobs } from './generation.ts'
import type {
  ModelExecutor,
  SamplingInput,
  StepHandle,
  StepResult,
  StepSummary,
} from './model-executor.ts'
import { maxAdjustedTokenIds, maxLogprobs, maxLogprobTokenIds } from './sampling-params.ts'
import {
  adjustmentLength,
  drawnToken,
  sampleRow,
  sampleRowLength,
  stepInputHeader,
  stepInputHeaderLength,
} from './step-input-layout.ts'

export type ModelRunnerOptions = {
  readonly context: GpuContext
  readonly pipelines: PipelineCache
  readonly config: ModelConfig
  readonly weights: WeightLoader
  readonly kvFormat: KvFormat
  readonly numBlocks: number
  readonly maxModelLen: number
  readonly maxNumSeqs: number
  /** Most sample rows in a step, at least `maxNumSeqs`. */
  readonly maxNumSamples: number
  readonly maxNumBatchedTokens: number
}

/** Tokens beside its own whose log probabilities a sample row may report. */
const maxListed = Math.max(maxLogprobs, maxLogprobTokenIds)

const stepInputCapacity = (options: ModelRunnerOptions): number => {
  const { config, maxModelLen, maxNumSeqs, maxNumSamples, maxNumBatchedTokens } = options
  const blockTableStride = Math.ceil(maxModelLen / blockSize)
  const adjustments = Math.min(config.vocabSize, maxModelLen) + maxAdjustedTokenIds
  const mask = Math.ceil(config.vocabSize / 32)
  const perSequence =
    2 + blockTableStride + adjustmentLength * adjustments + mask + maxLogprobTokenIds
  return (
    stepInputHeaderLength +
    4 * maxNumBatchedTokens +
    1 +
    maxNumSeqs * perSequence +
    maxNumSamples * sampleRowLength
  )
}

const shapeOf = (input: Uint32Array, summary: StepSummary): StepShape => {
  const { numSequences, numDecodeSequences } = summary
  const queryStart = input[stepInputHeader.queryStart]!
  const prefillRowCounts: number[] = []
  for (let sequence = numDecodeSequences; sequence < numSequences; sequence++) {
    const at = queryStart + sequence
    prefillRowCounts.push(input[at + 1]! - input[at]!)
  }
  return { ...summary, numDecodeTokens: numDecodeSequences, prefillRowCounts }
}

/** What a sample row reports: of which token, and how many others beside it. */
type LogprobRequest = { readonly target: number; readonly numListed: number }

// Taken down before the step input is reused.
const logprobRequests = (input: Uint32Array, numSamples: number): (LogprobRequest | null)[] =>
  Array.from({ length: numSamples }, (_, sample) => {
    const at = input[stepInputHeader.sampleRows]! + sample * sampleRowLength
    const wanted = input[at + sampleRow.logprobs]!
    return wanted > 0 ? { target: input[at + sampleRow.target]!, numListed: wanted - 1 } : null
  })

const tokenLogprobs = (
  requests: readonly (LogprobRequest | null)[],
  sampledTokenIds: Uint32Array,
  bytes: ArrayBuffer,
): (TokenLogprobs | null)[] =>
  requests.map((request, sample) => {
    if (!request) return null
    const { target, numListed } = request
    const tokenId = target === drawnToken ? sampledTokenIds[sample]! : target
    return { tokenId, ...readLogprobRow(bytes, { sample, maxListed, numListed }) }
  })

/**
 * Runs the model's steps on the GPU. The token loop stays there: the sampler writes the ids that
 * the next step's embedding reads, and the host gets a copy later.
 */
export class ModelRunner implements ModelExecutor {
  readonly adapter: string
  /** f32 [samples][vocabSize] of the last step, for tests. */
  readonly logits: Tensor
  readonly #device: GPUDevice
  readonly #watch: DeviceWatch
  readonly #model: Model
  readonly #sampler: TokenSampler
  readonly #step: Tensor
  readonly #sampledTokens: Tensor
  readonly #readback: ReadbackRing
  readonly #logprobReadback: ReadbackRing
  #dispatchesPerStep = 0

  private constructor(
    { context, maxNumSamples }: ModelRunnerOptions,
    parts: {
      readonly model: Model
      readonly sampler: TokenSampler
      readonly step: Tensor
      readonly logits: Tensor
      readonly sampledTokens: Tensor
    },
  ) {
    this.adapter = context.adapterName
    this.#device = context.device
    this.#model = parts.model
    this.#sampler = parts.sampler
    this.#step = parts.step
    this.logits = parts.logits
    this.#sampledTokens = parts.sampledTokens
    this.#readback = new ReadbackRing(context.device, maxNumSamples * 4)
    const logprobBytes = logprobsBytes(maxListed, maxNumSamples)
    this.#logprobReadback = new ReadbackRing(context.device, logprobBytes)
    this.#watch = new DeviceWatch(context.device)
  }

  /**
   * Loads the weights, allocates every buffer and compiles every pipeline.
   *
   * @throws EngineError `out-of-memory`, `device-lost`; destroy the device then, as it holds all
   * that has been allocated so far.
   */
  static async create(options: ModelRunnerOptions): Promise<ModelRunner> {
    const { device } = options.context
    const { kvFormat: format, numBlocks } = options
    // Asked about by itself: where the cache does not fit, no weight needs to be read.
    const kvCache = await inErrorScopes(device, () =>
      createKvCache(device, options.config, { format, numBlocks }),
    )
    return inErrorScopes(device, () => ModelRunner.#build(options, kvCache))
  }

  static async #build(options: ModelRunnerOptions, kvCache: LayerKvCache[]): Promise<ModelRunner> {
    const { context, pipelines, config, maxNumSeqs, maxNumSamples } = options
    const { device } = context
    const gpu = { context, pipelines }
    const step = createTensor(device, 'step', stepInputCapacity(options) * 4)
    const lastTokens = createTensor(device, 'last tokens', maxNumSeqs * 4)
    const sampledTokens = createTensor(device, 'sampled tokens', maxNumSamples * 4)
    const logits = createTensor(device, 'logits', maxNumSamples * config.vocabSize * 4)
    const model = await createModel({
      gpu,
      config,
      weights: options.weights,
      kvCache,
      kvFormat: options.kvFormat,
      step,
      lastTokens,
      logits,
      maxNumTokens: options.maxNumBatchedTokens,
      maxNumSequences: maxNumSeqs,
      maxNumSamples,
      maxModelLen: options.maxModelLen,
    })
    const sampler = await createTokenSampler(gpu, {
      logits,
      step,
      lastTokens,
      sampledTokens,
      vocabSize: config.vocabSize,
      maxNumSamples,
      maxListed,
    })
    return new ModelRunner(options, { model, sampler, step, logits, sampledTokens })
  }

  get failed(): ModelExecutor['failed'] {
    return this.#watch.failed
  }

  get dispatchesPerStep(): number {
    return this.#dispatchesPerStep
  }

  execute(
    stepInput: Uint32Array<ArrayBuffer>,
    summary: StepSummary,
    sampling?: Promise<SamplingInput>,
  ): StepHandle {
    this.#watch.throwIfFailed()
    this.#device.queue.writeBuffer(this.#step.buffer, 0, stepInput)
    const recorder = new CommandRecorder(this.#device)
    this.#model.encode(recorder, shapeOf(stepInput, summary))
    this.#dispatchesPerStep = recorder.numDispatches
    const requests = summary.logprobs > 0 ? logprobRequests(stepInput, summary.numSamples) : null
    if (!sampling) {
      const read = this.#sample(recorder, summary, requests)
      return { result: this.#watch.whileAlive(read) }
    }
    recorder.submit()
    const late = sampling.then(({ at, words }) => {
      this.#watch.throwIfFailed()
      this.#device.queue.writeBuffer(this.#step.buffer, at * 4, words)
      return this.#sample(new CommandRecorder(this.#device), summary, requests)
    })
    return { result: this.#watch.whileAlive(async () => (await late)()) }
  }

  #sample(
    recorder: CommandRecorder,
    summary: StepSummary,
    requests: readonly (LogprobRequest | null)[] | null,
  ): () => Promise<StepResult> {
    const numForward = recorder.numDispatches
    if (summary.numSamples > 0) this.#sampler.encode(recorder, summary.numSamples, summary)
    this.#dispatchesPerStep += recorder.numDispatches - numForward
    return this.#submit(recorder, summary.numSamples, requests)
  }

  /** Returns how to read the step's result. */
  #submit(
    recorder: CommandRecorder,
    numSamples: number,
    requests: readonly (LogprobRequest | null)[] | null,
  ): () => Promise<StepResult> {
    let readTokens: (() => Promise<ArrayBuffer>) | undefined
    let readLogprobs: (() => Promise<ArrayBuffer>) | undefined
    recorder.submit((encoder) => {
      // A step without samples reads one back too: `onSubmittedWorkDone` resolves on a device that
      // was destroyed before it got to the work, `mapAsync` does not.
      const numRead = Math.max(numSamples, 1)
      readTokens = this.#readback.copy(encoder, this.#sampledTokens.buffer, numRead * 4)
      if (!requests) return
      const { buffer } = this.#sampler.logprobs
      const byteLength = logprobsBytes(maxListed, numSamples)
      readLogprobs = this.#logprobReadback.copy(encoder, buffer, byteLength)
    })
    return async () => {
      const [tokens, rows] = await Promise.all([readTokens!(), readLogprobs?.()])
      const sampledTokenIds = new Uint32Array(tokens, 0, numSamples)
      const logprobs = requests && rows ? tokenLogprobs(requests, sampledTokenIds, rows) : null
      return { sampledTokenIds, logprobs }
    }
  }

  dispose(): void {
    this.#watch.dispose()
  }
}
