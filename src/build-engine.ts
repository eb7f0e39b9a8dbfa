import { blockSize } from './engine/block-manager.ts'
import { createGenerationEngine } from './engine/engine.ts'
import type { GenerationEngine } from './engine/generation.ts'
import { bytesPerBlock } from './engine/kv-cache.ts'
import { ModelRunner } from './engine/model-runner.ts'
import { engineSizes, runnerSizes } from './engine-sizes.ts'
import { EngineError } from './errors.ts'
import type { GpuContext } from './gpu/device.ts'
import { PipelineCache } from './gpu/pipeline-cache.ts'
import type { LoadOptions, LoadProgress, WeightQuantization } from './load-options.ts'
import { openTensors } from './model-files.ts'
import { createModelWeights } from './model-weights.ts'
import type { ModelConfig } from './models/model-config.ts'
import { inBytes } from './planning/plan-text.ts'
import type { ModelSource } from './storage/byte-source.ts'
import type { TensorIndex } from './weights/safetensors.ts'

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
  /** What the plan made of `options.quantization`. */
  readonly quantization: WeightQuantization
  readonly eosTokenIds: readonly number[]
}

/** A KV cache for less than 256 tokens in all is of no use to anybody. */
const fewestBlocks = 256 / blockSize
/** Devices that may be lost in a row while weights go to them. */
const maxLosses = 3

const defaultSpeculation = { numSpeculativeTokens: 4 }

type RunnerParts = {
  readonly context: GpuContext
  readonly tensors: TensorIndex
  readonly numBlocks: number
}

/** Uploads the weights to a new device and builds all that steps need; destroys it on failure. */
const buildRunner = async (
  { config, quantization, options }: EngineParts,
  { context, tensors, numBlocks }: RunnerParts,
): Promise<ModelRunner> => {
  try {
    const pipelines = new PipelineCache(context)
    const weights = createModelWeights(
      { context, pipelines },
      { config, tensors, quantization, options },
    )
    const sizes = runnerSizes(config, engineSizes(config, options))
    return await ModelRunner.create({ ...sizes, context, pipelines, weights, numBlocks })
  } catch (thrown) {
    context.device.destroy()
    throw thrown
  }
}

const outOfMemory = (parts: EngineParts, numBlocks: number, cause: EngineError): EngineError => {
  const { kvFormat, maxNumSeqs, maxNumBatchedTokens } = engineSizes(parts.config, parts.options)
  const kvCacheBytes = numBlocks * bytesPerBlock(parts.config, kvFormat)
  return new EngineError(
    'out-of-memory',
    `${cause.message} The KV cache was already down to ${numBlocks} blocks of ${blockSize} tokens ` +
      `(${inBytes(kvCacheBytes)} of kvCacheBytes). Choose a smaller model or a denser ` +
      `quantization, lower maxModelLen, maxNumSeqs (${maxNumSeqs}) or maxNumBatchedTokens ` +
      `(${maxNumBatchedTokens}), or close other tabs that use the GPU.`,
    { cause, details: { numBlocks, kvCacheBytes, maxNumSeqs, maxNumBatchedTokens } },
  )
}

/**
 * Builds with half as many blocks each time that memory runs out: the weights go to the GPU again at
 * each try, so there should be few. Each has a new device, since destroying one is what gives back
 * all that it holds at once.
 *
 * @param least Blocks of use.
 */
const buildWithinMemory = async (
  parts: EngineParts,
  first: RunnerParts,
  least = fewestBlocks,
): Promise<{ executor: ModelRunner; numBlocks: number }> => {
  const fewest = Math.min(first.numBlocks, least)
  let { context, numBlocks } = first
  let numLosses = 0
  for (;;) {
    try {
      return { executor: await buildRunner(parts, { ...first, context, numBlocks }), numBlocks }
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
    const tensors = await openTensors(parts.source)
    return await buildWithinMemory(parts, { context, tensors, numBlocks: left })
  } finally {
    await parts.source.close()
  }
}

/**
 * From the files of a model to an engine that answers. Whoever opened `source` closes it afterwards;
 * the engine opens it again by itself when it has lost its device.
 *
 * @param first A first device, which the engine then owns, the tensors of `source`, and the blocks of
 * the KV cache that are planned for.
 */
export const buildEngine = async (
  parts: EngineParts,
  first: RunnerParts,
): Promise<GenerationEngine> => {
  const { config, options } = parts
  options.onProgress?.({ phase: 'compile', loaded: 0, total: 1, text: 'Compiling shaders' })
  // A context that is asked for must fit at first; afterwards a shorter one is better than none.
  const askedBlocks = Math.ceil((options.maxModelLen ?? 0) / blockSize)
  const built = await buildWithinMemory(parts, first, Math.max(fewestBlocks, askedBlocks))
  // Without reductions every row costs its full time, so verifying a draft gains nothing.
  const speculation = first.context.reduction === 'none' ? null : defaultSpeculation
  // Nobody watches the progress of a later load, nor may a signal of the first one end it.
  const { onProgress: _, signal: __, ...lasting } = options
  return createGenerationEngine({
    ...built,
    ...engineSizes(config, options),
    rebuild: rebuildFrom({ ...parts, options: lasting }),
    vocabSize: config.vocabSize,
    eosTokenIds: parts.eosTokenIds,
    speculation: options.speculation === undefined ? speculation : options.speculation,
    enablePrefixCaching: options.enablePrefixCaching ?? true,
    checkIntegrity: options.checkIntegrity ?? false,
  })
}
