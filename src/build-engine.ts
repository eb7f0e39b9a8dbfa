import { blockSize } from './engine/block-manager.ts'
import { createGenerationEngine, defaultNumExtraSamples } from './engine/engine.ts'
import type { GenerationEngine } from './engine/generation.ts'
import { bytesPerBlock, kvBlocksThatFit } from './engine/kv-cache.ts'
import { ModelRunner } from './engine/model-runner.ts'
import { EngineError } from './errors.ts'
import type { GpuContext } from './gpu/device.ts'
import { PipelineCache } from './gpu/pipeline-cache.ts'
import type { LoadOptions, LoadProgress } from './load-options.ts'
import { openTensors } from './model-files.ts'
import { modelTensors } from './models/create-model.ts'
import type { ModelConfig } from './models/model-config.ts'
import type { ModelSource } from './storage/byte-source.ts'
import { createWeightLoader } from './weights/weight-loader.ts'

export type LoadModelOptions = LoadOptions & {
  readonly onProgress?: (progress: LoadProgress) => void
  readonly signal?: AbortSignal
}

export type EngineParts = {
  readonly config: ModelConfig
  /** Opened again, after it was closed, when a lost device has taken the weights with it. */
  readonly source: ModelSource
  /** A device of its own at each call. */
  readonly requestContext: (options?: { readonly isReplacement: boolean }) => Promise<GpuContext>
  readonly options: LoadModelOptions
  readonly eosTokenIds: readonly number[]
}

const mebibyte = 1024 * 1024
export const inMebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`

/** A KV cache for less than 256 tokens in all is of no use to anybody. */
const fewestBlocks = 256 / blockSize
/** Devices that may be lost in a row while weights go to them. */
const maxLosses = 3

const mostSeqs = 32
const defaultSpeculation = { numSpeculativeTokens: 4 }

const checkRange = (option: string, value: number, low: number, high: number): void => {
  if (Number.isInteger(value) && value >= low && value <= high) return
  throw new EngineError(
    'invalid-request',
    `${option} must be an integer from ${low} to ${high}, got ${value}.`,
    { details: { option } },
  )
}

/**
 * Checks the options that size the engine, before anything is fetched for it.
 *
 * @throws EngineError `invalid-request` naming the option.
 */
export const checkServingOptions = (options: LoadOptions): void => {
  const { maxNumSeqs = 8, maxNumBatchedTokens = 256, maxModelLen = 1, speculation } = options
  checkRange('maxNumSeqs', maxNumSeqs, 1, mostSeqs)
  // Each running sequence gets its token in every step.
  checkRange('maxNumBatchedTokens', maxNumBatchedTokens, maxNumSeqs, 65_536)
  checkRange('maxModelLen', maxModelLen, 1, Number.MAX_SAFE_INTEGER)
  if (speculation) {
    const { numSpeculativeTokens } = speculation
    checkRange('speculation.numSpeculativeTokens', numSpeculativeTokens, 1, defaultNumExtraSamples)
  }
}

const settle = (config: ModelConfig, options: LoadModelOptions) => ({
  maxNumSeqs: options.maxNumSeqs ?? 8,
  maxNumBatchedTokens: options.maxNumBatchedTokens ?? 256,
  maxModelLen: Math.min(
    options.maxModelLen ?? config.maxPositionEmbeddings,
    config.maxPositionEmbeddings,
  ),
  kvFormat: options.kvCacheDtype ?? 'f16',
  kvCacheBytes: options.kvCacheBytes ?? 256 * mebibyte,
})

/** Uploads the weights to a new device and builds all that steps need; destroys it on failure. */
const buildRunner = async (
  { config, source, options }: EngineParts,
  context: GpuContext,
  numBlocks: number,
): Promise<ModelRunner> => {
  const { onProgress, signal } = options
  try {
    const pipelines = new PipelineCache(context)
    const index = modelTensors(await openTensors(source), config)
    const weights = createWeightLoader(
      { context, pipelines },
      {
        index,
        quantization: options.quantization ?? 'none',
        dtype: options.dtype ?? 'auto',
        ...(signal && { signal }),
        onProgress: (loaded) =>
          onProgress?.({
            phase: 'weights',
            loaded,
            total: index.totalBytes,
            text: `Uploading weights, ${inMebibytes(loaded)} of ${inMebibytes(index.totalBytes)}`,
          }),
      },
    )
    const { kvFormat, maxNumSeqs, maxNumBatchedTokens, maxModelLen } = settle(config, options)
    return await ModelRunner.create({
      context,
      pipelines,
      config,
      weights,
      kvFormat,
      numBlocks,
      maxModelLen,
      maxNumSeqs,
      maxNumSamples: maxNumSeqs + defaultNumExtraSamples,
      maxNumBatchedTokens,
    })
  } catch (thrown) {
    context.device.destroy()
    throw thrown
  }
}

const outOfMemory = (parts: EngineParts, numBlocks: number, cause: EngineError): EngineError => {
  const { kvFormat, maxNumSeqs, maxNumBatchedTokens } = settle(parts.config, parts.options)
  const kvCacheBytes = numBlocks * bytesPerBlock(parts.config, kvFormat)
  return new EngineError(
    'out-of-memory',
    `${cause.message} The KV cache was already down to ${numBlocks} blocks of ${blockSize} tokens ` +
      `(${inMebibytes(kvCacheBytes)} of kvCacheBytes). Choose a smaller model or a denser ` +
      `quantization, lower maxNumSeqs (${maxNumSeqs}) or maxNumBatchedTokens ` +
      `(${maxNumBatchedTokens}), or close other tabs that use the GPU.`,
    { cause, details: { numBlocks, kvCacheBytes, maxNumSeqs, maxNumBatchedTokens } },
  )
}

/**
 * Builds with half as many blocks each time that memory runs out: the weights go to the GPU again at
 * each try, so there should be few. Each has a new device, since destroying one is what gives back
 * all that it holds at once.
 */
const buildWithinMemory = async (
  parts: EngineParts,
  first: { readonly context: GpuContext; readonly numBlocks: number },
): Promise<{ executor: ModelRunner; numBlocks: number }> => {
  const fewest = Math.min(first.numBlocks, fewestBlocks)
  let { context, numBlocks } = first
  let numLosses = 0
  for (;;) {
    try {
      return { executor: await buildRunner(parts, context, numBlocks), numBlocks }
    } catch (thrown) {
      const error = EngineError.from(thrown)
      if (error.code === 'out-of-memory') {
        if (numBlocks <= fewest) throw outOfMemory(parts, numBlocks, error)
        numBlocks = Math.max(fewest, Math.floor(numBlocks / 2))
      } else if (error.code !== 'device-lost' || ++numLosses === maxLosses) {
        throw thrown
      }
    }
    context = await parts.requestContext({ isReplacement: true })
  }
}

/** What the engine asks for when a step failed: a new device with the same weights on it. */
const rebuildFrom = (parts: EngineParts) => async (cause: EngineError, numBlocks: number) => {
  const isMemory = cause.code === 'out-of-memory'
  const left = isMemory ? Math.floor((numBlocks * 3) / 4) : numBlocks
  if (left < 1) throw outOfMemory(parts, numBlocks, cause)
  const context = await parts.requestContext({ isReplacement: true })
  try {
    return await buildWithinMemory(parts, { context, numBlocks: left })
  } finally {
    await parts.source.close()
  }
}

/**
 * From the files of a model to an engine that answers. Whoever opened `source` closes it afterwards;
 * the engine opens it again by itself when it has lost its device.
 *
 * @param context A first device, which the engine then owns.
 */
export const buildEngine = async (
  parts: EngineParts,
  context: GpuContext,
): Promise<GenerationEngine> => {
  const { config, options } = parts
  const { kvFormat, kvCacheBytes, ...limits } = settle(config, options)
  const fitting = kvBlocksThatFit(context.device, config, {
    format: kvFormat,
    kvCacheBytes,
    ...limits,
  })
  options.onProgress?.({ phase: 'compile', loaded: 0, total: 1, text: 'Compiling shaders' })
  const built = await buildWithinMemory(parts, { context, numBlocks: fitting })
  // Without reductions every row costs its full time, so verifying a draft gains nothing.
  const speculation = context.reduction === 'none' ? null : defaultSpeculation
  // Nobody watches the progress of a later load, nor may a signal of the first one end it.
  const { onProgress: _, signal: __, ...lasting } = options
  return createGenerationEngine({
    ...built,
    ...limits,
    rebuild: rebuildFrom({ ...parts, options: lasting }),
    vocabSize: config.vocabSize,
    eosTokenIds: parts.eosTokenIds,
    speculation: options.speculation === undefined ? speculation : options.speculation,
    enablePrefixCaching: options.enablePrefixCaching ?? true,
    checkIntegrity: options.checkIntegrity ?? false,
  })
}
