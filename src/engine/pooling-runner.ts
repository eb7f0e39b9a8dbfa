import { EngineError } from '../errors.ts'
import { CommandRecorder } from '../gpu/command-recorder.ts'
import type { GpuContext } from '../gpu/device.ts'
import { inErrorScopes } from '../gpu/error-scopes.ts'
import type { PipelineCache } from '../gpu/pipeline-cache.ts'
import { ReadbackRing } from '../gpu/readback-ring.ts'
import { createTensor, type Tensor } from '../gpu/tensor.ts'
import { kvCacheBytes } from '../kernels/kv-format.ts'
import type { Gpu } from '../layers/gpu.ts'
import { createPooler, type PooledLinear, type Pooler } from '../layers/pooler.ts'
import { createEncoder } from '../models/create-model.ts'
import type { ModelConfig } from '../models/model-config.ts'
import type { Encoder } from '../models/model.ts'
import type { PoolingConfig } from '../models/pooling-config.ts'
import type { WeightLoader } from '../weights/weight-loader.ts'
import { DeviceWatch } from './device-watch.ts'
import type { PoolingExecutor } from './pooling-executor.ts'
import {
  poolingBlocks,
  poolingStep,
  poolingStepCapacity,
  type PoolingStepLimits,
} from './pooling-step.ts'

export type PoolingRunnerOptions = {
  readonly context: GpuContext
  readonly pipelines: PipelineCache
  readonly config: ModelConfig
  readonly pooling: PoolingConfig
  /** Knows a Dense module's tensors by `<folder>/<name>`. */
  readonly weights: WeightLoader
  readonly limits: PoolingStepLimits
}

// Every bit of them counts in a vector, and they live no longer than a layer.
const kvFormat = 'f32'

const buildEncoder = (
  gpu: Gpu,
  { config, weights, limits }: PoolingRunnerOptions,
  step: Tensor,
): Promise<Encoder> => {
  const { device } = gpu.context
  const { numKvHeads, headDim } = config
  const numBlocks = poolingBlocks(limits)
  const bytes = kvCacheBytes({ numBlocks, numKvHeads, headDim, kvFormat })
  const cache = { k: createTensor(device, 'keys', bytes), v: createTensor(device, 'values', bytes) }
  return createEncoder({
    gpu,
    config,
    weights,
    // All layers share it: a text is done within the step.
    kvCache: Array.from({ length: config.numLayers }, () => cache),
    kvFormat,
    step,
    lastTokens: createTensor(device, 'last tokens', 4),
    ...limits,
  })
}

const loadDense = async (options: PoolingRunnerOptions): Promise<PooledLinear[]> => {
  const { config, pooling, weights } = options
  const layers: PooledLinear[] = []
  let width = config.hiddenSize
  for (const { folder, inFeatures, outFeatures, hasBias, activation } of pooling.dense) {
    const weight = await weights.concatenated([`${folder}/linear.weight`])
    if (weight.columns !== width || inFeatures !== width || weight.rows !== outFeatures) {
      throw new EngineError(
        'invalid-file',
        `The Dense module ${folder} turns ${inFeatures} numbers into ${outFeatures}, its weight ` +
          `${weight.columns} into ${weight.rows}, and it is given ${width}. Check that the model is ` +
          'complete, then delete it and download it again.',
        { details: { file: `${folder}/config.json` } },
      )
    }
    const bias = hasBias ? await weights.vector([`${folder}/linear.bias`]) : null
    layers.push({ weight, ...(bias && { bias }), activation })
    width = outFeatures
  }
  return layers
}

/** Runs the steps of a model that embeds on the GPU. */
export class PoolingRunner implements PoolingExecutor {
  readonly adapter: string
  /** f32 [tokens][hiddenSize] of the last step, for tests. */
  readonly hiddenStates: Tensor
  readonly #device: GPUDevice
  readonly #watch: DeviceWatch
  readonly #encoder: Encoder
  readonly #pooler: Pooler
  readonly #step: Tensor
  readonly #readback: ReadbackRing
  #dispatchesPerStep = 0

  private constructor(
    { context, limits }: PoolingRunnerOptions,
    parts: { readonly encoder: Encoder; readonly pooler: Pooler; readonly step: Tensor },
  ) {
    this.adapter = context.adapterName
    this.#device = context.device
    this.#watch = new DeviceWatch(context.device)
    this.#encoder = parts.encoder
    this.#pooler = parts.pooler
    this.#step = parts.step
    this.hiddenStates = parts.encoder.output
    const bytes = limits.maxNumSequences * parts.pooler.width * 4
    this.#readback = new ReadbackRing(context.device, bytes)
  }

  /**
   * Loads the weights, allocates every buffer and compiles every pipeline.
   *
   * @throws EngineError `out-of-memory`, `device-lost`; destroy the device then, as it holds all
   * that has been allocated so far.
   */
  static async create(options: PoolingRunnerOptions): Promise<PoolingRunner> {
    return inErrorScopes(options.context.device, () => PoolingRunner.#build(options))
  }

  static async #build(options: PoolingRunnerOptions): Promise<PoolingRunner> {
    const { context, pipelines, config, pooling, limits } = options
    const gpu = { context, pipelines }
    const step = createTensor(context.device, 'step', poolingStepCapacity(limits) * 4)
    const encoder = await buildEncoder(gpu, options, step)
    const pooler = await createPooler(gpu, {
      hidden: encoder.output,
      width: config.hiddenSize,
      step,
      pooling: pooling.pooling,
      dense: await loadDense(options),
      maxNumSequences: limits.maxNumSequences,
    })
    return new PoolingRunner(options, { encoder, pooler, step })
  }

  get failed(): PoolingExecutor['failed'] {
    return this.#watch.failed
  }

  get dispatchesPerStep(): number {
    return this.#dispatchesPerStep
  }

  /** Numbers in a vector. */
  get width(): number {
    return this.#pooler.width
  }

  execute(texts: readonly (readonly number[])[]): Promise<Float32Array[]> {
    this.#watch.throwIfFailed()
    const { words, shape } = poolingStep(texts)
    this.#device.queue.writeBuffer(this.#step.buffer, 0, words)
    const recorder = new CommandRecorder(this.#device)
    this.#encoder.encode(recorder, shape)
    this.#pooler.encode(recorder, texts.length)
    this.#dispatchesPerStep = recorder.numDispatches
    const { output, width } = this.#pooler
    let read: (() => Promise<ArrayBuffer>) | undefined
    recorder.submit((encoder) => {
      read = this.#readback.copy(encoder, output.buffer, texts.length * width * 4)
    })
    return this.#watch.whileAlive(async () => {
      const bytes = await read!()
      return texts.map((_, text) => new Float32Array(bytes, text * width * 4, width))
    })
  }

  dispose(): void {
    this.#watch.dispose()
  }
}
