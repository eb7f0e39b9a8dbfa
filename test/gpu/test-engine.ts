import { createGenerationEngine, type GenerationEngineOptions } from '../../src/engine/engine.ts'
import { bytesPerBlock, kvBlocksThatFit } from '../../src/engine/kv-cache.ts'
import type { GenerationEngine } from '../../src/engine/generation.ts'
import type { ModelExecutor } from '../../src/engine/model-executor.ts'
import { ModelRunner } from '../../src/engine/model-runner.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { bufferUsage, mapModeRead } from '../../src/gpu/webgpu-constants.ts'
import { parseModelConfig } from '../../src/models/model-config.ts'
import type { KvFormat } from '../../src/kernels/kv-format.ts'
import { openModelSource, type ModelSource } from '../../src/storage/model-source.ts'
import { openSafetensors } from '../../src/weights/safetensors.ts'
import { createWeightLoader } from '../../src/weights/weight-loader.ts'
import { testContext } from './context.ts'

/** A model folder of this repository, by its path from the root. */
export const repositorySource = async (path: string): Promise<ModelSource> => {
  if (typeof window === 'undefined') {
    const { createFolderSource } = await import('../../src/node/folder-source.ts')
    return createFolderSource(path)
  }
  const baseURL = new URL(`/${path}/`, window.location.href).href
  return openModelSource(baseURL, { fetch: (...given) => fetch(...given), root: null, baseURL })
}

export type TestEngineOptions = Partial<GenerationEngineOptions> & {
  readonly path: string
  readonly reduction?: Reduction
  readonly quantization?: 'none' | 'q8' | 'q4'
  readonly dtype?: 'auto' | 'f32' | 'f16'
  readonly kvFormat?: KvFormat
  readonly maxModelLen?: number
  /** Collects the logits of every sample row, in order. */
  readonly onLogits?: (logits: Promise<Float32Array>) => void
}

const withLogits = (
  runner: ModelRunner,
  device: GPUDevice,
  vocabSize: number,
  onLogits: (logits: Promise<Float32Array>) => void,
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
    get dispatchesPerStep() {
      return runner.dispatchesPerStep
    },
    execute(stepInput, summary) {
      const handle = runner.execute(stepInput, summary)
      if (summary.numSamples > 0) onLogits(copyLogits(summary.numSamples))
      return handle
    },
    dispose: () => runner.dispose(),
  }
}

/** The engine over a model folder, token ids in and out, with everything checked at every step. */
export const createTestEngine = async (options: TestEngineOptions): Promise<GenerationEngine> => {
  const { path, reduction, kvFormat = 'f32', onLogits } = options
  const source = await repositorySource(path)
  const config = parseModelConfig(await source.readJson('config.json'))
  const context = await testContext(reduction)
  const pipelines = new PipelineCache(context)
  const maxModelLen = options.maxModelLen ?? Math.min(config.maxPositionEmbeddings, 512)
  const { maxNumSeqs = 8, maxNumBatchedTokens = 256 } = options
  const limits = { format: kvFormat, maxNumSeqs, maxModelLen }
  const kvCacheBytes = options.numBlocks
    ? options.numBlocks * bytesPerBlock(config, kvFormat)
    : 2 ** 28
  const numBlocks = kvBlocksThatFit(context.device, config, { ...limits, kvCacheBytes })
  const runner = await ModelRunner.create({
    context,
    pipelines,
    config,
    weights: createWeightLoader(
      { context, pipelines },
      {
        index: await openSafetensors(source),
        quantization: options.quantization ?? 'none',
        dtype: options.dtype ?? 'auto',
      },
    ),
    kvFormat,
    numBlocks,
    maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens,
  })
  await source.close()
  return createGenerationEngine({
    eosTokenIds: config.eosTokenIds,
    checkIntegrity: true,
    targetStepMs: null,
    ...options,
    executor: onLogits ? withLogits(runner, context.device, config.vocabSize, onLogits) : runner,
    maxModelLen,
    vocabSize: config.vocabSize,
    numBlocks,
    maxNumSeqs,
    maxNumBatchedTokens,
  })
}

/** Greedy ids of one request, end-of-sequence ids passed over. */
export const generateGreedy = async (
  engine: GenerationEngine,
  promptTokenIds: readonly number[],
  maxTokens: number,
): Promise<number[]> => {
  const tokenIds: number[] = []
  const samplingParams = { temperature: 0, maxTokens, ignoreEos: true }
  for await (const output of engine.addRequest({ promptTokenIds, samplingParams })) {
    tokenIds.push(...output.newTokenIds)
  }
  return tokenIds
}
