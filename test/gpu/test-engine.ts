import {
  createGenerationEngine,
  defaultNumExtraSamples,
  type GenerationEngineOptions,
} from '../../src/engine/engine.ts'
import { bytesPerBlock, kvBlocksThatFit } from '../../src/engine/kv-cache.ts'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import type { ModelExecutor } from '../../src/engine/model-executor.ts'
import { ModelRunner } from '../../src/engine/model-runner.ts'
import type { SamplingParams } from '../../src/engine/sampling-params.ts'
import { sampleRow, sampleRowLength, stepInputHeader } from '../../src/engine/step-input-layout.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { bufferUsage, mapModeRead } from '../../src/gpu/webgpu-constants.ts'
import { openTensors } from '../../src/model-files.ts'
import type { ModelConfig } from '../../src/models/model-config.ts'
import { modelTensors } from '../../src/models/create-model.ts'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import type { KvFormat } from '../../src/kernels/kv-format.ts'
import { openModelSource, type ModelSource } from '../../src/storage/model-source.ts'
import { openGguf } from '../../src/weights/gguf/open-gguf.ts'
import { createWeightLoader } from '../../src/weights/weight-loader.ts'
import { testContext } from './context.ts'

/** A model folder of this repository, by its path from the root. */
export const repositorySource = async (path: string): Promise<ModelSource> => {
  if (typeof window === 'undefined') {
    const { createFolderSource } = await import('../../src/node/folder-source.ts')
    return createFolderSource(path)
  }
  const folder = path.endsWith('.gguf') ? path : `${path}/`
  const baseURL = new URL(`/${folder}`, window.location.href).href
  return openModelSource(baseURL, { fetch: (...given) => fetch(...given), root: null, baseURL })
}

/** The configuration alone: the tiny models have no tokenizer. */
const readConfig = async (source: ModelSource): Promise<ModelConfig> =>
  parseModelConfig(
    source.ggufFile === null
      ? await source.readJson('config.json')
      : (await openGguf(source, source.ggufFile)).config,
  )

/** A sample row: the seed of its request and the index of the token that it draws. */
export type SampledRow = { readonly seed: number; readonly position: number }

export type TestModelOptions = {
  readonly path: string
  readonly reduction?: Reduction
  readonly quantization?: 'stored' | 'none' | 'q8' | 'q4'
  readonly dtype?: 'auto' | 'f32' | 'f16'
  readonly kvFormat?: KvFormat
  readonly maxModelLen?: number
  /** At most; less where all sequences at full length need less. */
  readonly numBlocks?: number
  readonly maxNumSeqs?: number
  readonly maxNumBatchedTokens?: number
  readonly numExtraSamples?: number
  /** Given the logits f32 [rows][vocabSize] of each step that samples, in order. */
  readonly onLogits?: (logits: Promise<Float32Array>, rows: readonly SampledRow[]) => void
}

export type TestEngineOptions = Partial<GenerationEngineOptions> & TestModelOptions

/** A model on a device of its own, and what an engine over it has to know. */
export type TestModel = {
  readonly executor: ModelExecutor
  readonly device: GPUDevice
  readonly limits: Pick<
    GenerationEngineOptions,
    | 'maxModelLen'
    | 'vocabSize'
    | 'eosTokenIds'
    | 'numBlocks'
    | 'maxNumSeqs'
    | 'maxNumBatchedTokens'
    | 'numExtraSamples'
  >
}

const sampledRows = (input: Uint32Array, numSamples: number): SampledRow[] =>
  Array.from({ length: numSamples }, (_, row) => {
    const at = input[stepInputHeader.sampleRows]! + row * sampleRowLength
    return { seed: input[at + sampleRow.seedLow]!, position: input[at + sampleRow.position]! }
  })

const withLogits = (
  runner: ModelRunner,
  device: GPUDevice,
  vocabSize: number,
  onLogits: NonNullable<TestModelOptions['onLogits']>,
): ModelExecutor => {
  const copyLogits = async (numSamples: number): Promise<Float32Array> => {
    const size = numSamples * vocabSize * 4
    const target = device.createBuffer({ size, usage: bufferUsage.mapRead | bufferUsage.copyDst })
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(runner.logits.buffer, 0, target, 0, size)
    device.queue.submit([encoder.finish()])
    await target.mapAsync(mapModeRead)
    const logits = new Float32Array(target.getMappedRange().slice(0))
    target.destroy()
    return logits
  }
  return {
    adapter: runner.adapter,
    failed: runner.failed,
    get dispatchesPerStep() {
      return runner.dispatchesPerStep
    },
    execute(stepInput, summary, sampling) {
      const handle = runner.execute(stepInput, summary, sampling)
      const { numSamples } = summary
      if (numSamples > 0) onLogits(copyLogits(numSamples), sampledRows(stepInput, numSamples))
      return handle
    },
    dispose: () => runner.dispose(),
  }
}

/** Loads a model folder on a new device. */
export const createTestModel = async (options: TestModelOptions): Promise<TestModel> => {
  const { path, reduction, kvFormat = 'f32', onLogits, maxNumSeqs = 8 } = options
  const { maxNumBatchedTokens = 256, numExtraSamples = defaultNumExtraSamples } = options
  const source = await repositorySource(path)
  const config = await readConfig(source)
  const context = await testContext(reduction)
  const { device } = context
  const pipelines = new PipelineCache(context)
  const maxModelLen = options.maxModelLen ?? Math.min(config.maxPositionEmbeddings, 512)
  const bounds = { format: kvFormat, maxNumSeqs, maxModelLen }
  const kvCacheBytes = options.numBlocks
    ? options.numBlocks * bytesPerBlock(config, kvFormat)
    : 2 ** 28
  const numBlocks = kvBlocksThatFit(device, config, { ...bounds, kvCacheBytes })
  const runner = await ModelRunner.create({
    context,
    pipelines,
    config,
    weights: createWeightLoader(
      { context, pipelines },
      {
        index: modelTensors(await openTensors(source), config),
        quantization: options.quantization ?? 'stored',
        dtype: options.dtype ?? 'auto',
      },
    ),
    kvFormat,
    numBlocks,
    maxModelLen,
    maxNumSeqs,
    maxNumSamples: maxNumSeqs + numExtraSamples,
    maxNumBatchedTokens,
  })
  await source.close()
  const { vocabSize, eosTokenIds } = config
  return {
    executor: onLogits ? withLogits(runner, device, vocabSize, onLogits) : runner,
    device,
    limits: {
      maxModelLen,
      vocabSize,
      eosTokenIds,
      numBlocks,
      maxNumSeqs,
      maxNumBatchedTokens,
      numExtraSamples,
    },
  }
}

/** An engine over a model, with everything checked at every step; it owns the model's executor. */
export const createEngineOver = (
  model: TestModel,
  options: Partial<GenerationEngineOptions> = {},
): GenerationEngine =>
  createGenerationEngine({
    checkIntegrity: true,
    targetStepMs: null,
    executor: model.executor,
    ...model.limits,
    ...options,
  })

/** The engine over a model folder, token ids in and out. */
export const createTestEngine = async (options: TestEngineOptions): Promise<GenerationEngine> => {
  const model = await createTestModel(options)
  return createEngineOver(model, { ...options, ...model.limits })
}

/** Greedy ids of one request, end-of-sequence ids passed over. */
export const generateGreedy = async (
  engine: GenerationEngine,
  promptTokenIds: readonly number[],
  maxTokens: number,
  params: Partial<SamplingParams> = {},
): Promise<number[]> => {
  const tokenIds: number[] = []
  const samplingParams = { temperature: 0, maxTokens, ignoreEos: true, ...params }
  for await (const output of engine.addRequest({ promptTokenIds, samplingParams })) {
    tokenIds.push(...output.newTokenIds)
  }
  return tokenIds
}
