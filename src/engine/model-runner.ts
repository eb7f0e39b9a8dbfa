import { EngineError } from '../errors.ts'
import { CommandRecorder } from '../gpu/command-recorder.ts'
import { PipelineCache } from '../gpu/pipeline-cache.ts'
import { ReadbackRing } from '../gpu/readback-ring.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import type { GpuContext } from '../gpu/device.ts'
import type { KvFormat } from '../kernels/kv-format.ts'
import type { StepShape } from '../layers/step-shape.ts'
import { createTokenSampler, type TokenSampler } from '../layers/token-sampler.ts'
import type { ModelConfig } from '../models/model-config.ts'
import type { Model } from '../models/model.ts'
import { models } from '../models/registry.ts'
import type { WeightLoader } from '../weights/weight-loader.ts'
import { blockSize } from './block-manager.ts'
import { createKvCache } from './kv-cache.ts'
import type { ModelExecutor, StepHandle, StepSummary } from './model-executor.ts'
import { sampleRowLength, stepInputHeader, stepInputHeaderLength } from './step-input.ts'

export type ModelRunnerOptions = {
  readonly context: GpuContext
  readonly pipelines: PipelineCache
  readonly config: ModelConfig
  readonly weights: WeightLoader
  readonly kvFormat: KvFormat
  readonly numBlocks: number
  readonly maxModelLen: number
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
}

const stepInputCapacity = (options: ModelRunnerOptions): number => {
  const { maxModelLen, maxNumSeqs, maxNumBatchedTokens } = options
  const blockTableStride = Math.ceil(maxModelLen / blockSize)
  const perSequence = 2 + blockTableStride + sampleRowLength
  return stepInputHeaderLength + 4 * maxNumBatchedTokens + 1 + maxNumSeqs * perSequence
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

/**
 * Runs the model's steps on the GPU. The token loop stays there: the sampler writes the ids that
 * the next step's embedding reads, and the host gets a copy later.
 */
export class ModelRunner implements ModelExecutor {
  readonly adapter: string
  /** f32 [samples][vocabSize] of the last step, for tests. */
  readonly logits: Tensor
  readonly #device: GPUDevice
  readonly #model: Model
  readonly #sampler: TokenSampler
  readonly #step: Tensor
  readonly #sampledTokens: Tensor
  readonly #readback: ReadbackRing
  #dispatchesPerStep = 0
  #failure: EngineError | null = null

  private constructor(
    { context, maxNumSeqs }: ModelRunnerOptions,
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
    this.#readback = new ReadbackRing(context.device, maxNumSeqs * 4)
    this.#watch(context.device)
  }

  /** Loads the weights, allocates every buffer and compiles every pipeline. */
  static async create(options: ModelRunnerOptions): Promise<ModelRunner> {
    const { context, pipelines, config, maxNumSeqs } = options
    const { device } = context
    const gpu = { context, pipelines }
    const step = createTensor(device, 'step', stepInputCapacity(options) * 4)
    const lastTokens = createTensor(device, 'last tokens', maxNumSeqs * 4)
    const sampledTokens = createTensor(device, 'sampled tokens', maxNumSeqs * 4)
    const logits = createTensor(device, 'logits', maxNumSeqs * config.vocabSize * 4)
    const kvCache = createKvCache(device, config, {
      format: options.kvFormat,
      numBlocks: options.numBlocks,
    })
    const model = await models[config.architecture]({
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
      maxModelLen: options.maxModelLen,
    })
    const sampler = await createTokenSampler(gpu, {
      logits,
      step,
      lastTokens,
      sampledTokens,
      vocabSize: config.vocabSize,
      maxNumSamples: maxNumSeqs,
    })
    return new ModelRunner(options, { model, sampler, step, logits, sampledTokens })
  }

  get dispatchesPerStep(): number {
    return this.#dispatchesPerStep
  }

  execute(stepInput: Uint32Array<ArrayBuffer>, summary: StepSummary): StepHandle {
    if (this.#failure) throw this.#failure
    const { numSamples } = summary
    this.#device.queue.writeBuffer(this.#step.buffer, 0, stepInput)
    const recorder = new CommandRecorder(this.#device)
    this.#model.encode(recorder, shapeOf(stepInput, summary))
    if (numSamples > 0) this.#sampler.encode(recorder, numSamples)
    this.#dispatchesPerStep = recorder.numDispatches
    if (numSamples === 0) {
      recorder.submit()
      const done = this.#device.queue.onSubmittedWorkDone()
      return { sampledTokenIds: done.then(() => this.#checked(new Uint32Array())) }
    }
    let read: (() => Promise<ArrayBuffer>) | undefined
    recorder.submit((encoder) => {
      read = this.#readback.copy(encoder, this.#sampledTokens.buffer, numSamples * 4)
    })
    return { sampledTokenIds: read!().then((bytes) => this.#checked(new Uint32Array(bytes))) }
  }

  dispose(): void {
    this.#failure ??= new EngineError('disposed', 'The engine was disposed.')
    this.#device.destroy()
  }

  #checked(sampledTokenIds: Uint32Array): Uint32Array {
    if (this.#failure) throw this.#failure
    return sampledTokenIds
  }

  /** WebGPU reports validation, memory and loss out of band; the next step must not hide them. */
  #watch(device: GPUDevice): void {
    device.addEventListener('uncapturederror', ({ error }) => {
      // By name: Dawn for Node keeps its classes off globalThis.
      const isMemory = error.constructor.name === 'GPUOutOfMemoryError'
      this.#failure ??= new EngineError(
        isMemory ? 'out-of-memory' : 'internal',
        isMemory
          ? `The GPU ran out of memory: ${error.message} Choose a smaller model or kvCacheBytes.`
          : `WebGPU refused a step: ${error.message}`,
      )
    })
    void device.lost.then(({ message, reason }) => {
      this.#failure ??= new EngineError(
        'device-lost',
        `The GPU device was lost (${message || reason}). Create the engine again to go on.`,
      )
    })
  }
}
