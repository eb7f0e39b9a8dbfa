import type { EngineParts } from './build-engine.ts'
import { createPoolingEngine } from './engine/pooling-engine.ts'
import { PoolingRunner } from './engine/pooling-runner.ts'
import type { PoolingEngine } from './engine/pooling.ts'
import { engineSizes, poolingLimits } from './engine-sizes.ts'
import { EngineError } from './errors.ts'
import type { GpuContext } from './gpu/device.ts'
import { PipelineCache } from './gpu/pipeline-cache.ts'
import { readModelOutline } from './model-files.ts'
import { createModelWeights } from './model-weights.ts'
import type { PoolingConfig } from './models/pooling-config.ts'
import type { TensorIndex } from './weights/safetensors.ts'

export type PoolingEngineParts = Omit<EngineParts, 'eosTokenIds'> & {
  readonly pooling: PoolingConfig
}

/** Devices that may be lost in a row while weights go to them. */
const maxLosses = 3

type RunnerParts = { readonly context: GpuContext; readonly tensors: TensorIndex }

/** Uploads the weights to a new device and builds all that steps need; destroys it on failure. */
const buildRunner = async (
  parts: PoolingEngineParts,
  { context, tensors }: RunnerParts,
): Promise<PoolingRunner> => {
  const { config, pooling, options } = parts
  try {
    const pipelines = new PipelineCache(context)
    const weights = createModelWeights({ context, pipelines }, { ...parts, tensors })
    const limits = poolingLimits(engineSizes(config, options, pooling))
    return await PoolingRunner.create({ context, pipelines, config, pooling, weights, limits })
  } catch (thrown) {
    context.device.destroy()
    throw thrown
  }
}

/** As `buildRunner`, on another device when one is lost meanwhile. */
const buildDespiteLosses = async (
  parts: PoolingEngineParts,
  { context: first, tensors }: RunnerParts,
): Promise<PoolingRunner> => {
  let context = first
  for (let numLosses = 1; ; numLosses++) {
    try {
      return await buildRunner(parts, { context, tensors })
    } catch (thrown) {
      if (EngineError.from(thrown).code !== 'device-lost' || numLosses === maxLosses) throw thrown
    }
    context = await parts.requestContext({ isReplacement: true })
  }
}

/** What the engine asks for when a step failed: a new device with the same weights on it. */
const rebuildFrom = (parts: PoolingEngineParts) => async (): Promise<PoolingRunner> => {
  const context = await parts.requestContext({ isReplacement: true })
  try {
    const { tensors } = await readModelOutline(parts.source)
    return await buildDespiteLosses(parts, { context, tensors })
  } finally {
    await parts.source.close()
  }
}

/**
 * From the files of a model that embeds to an engine that answers. Whoever opened `source` closes it
 * afterwards; the engine opens it again by itself when it has lost its device.
 *
 * @param first A first device, which the engine then owns, and the tensors of `source`.
 */
export const buildPoolingEngine = async (
  parts: PoolingEngineParts,
  first: RunnerParts,
): Promise<PoolingEngine> => {
  const { config, pooling, options } = parts
  options.onProgress?.({ phase: 'compile', loaded: 0, total: 1, text: 'Compiling shaders' })
  const executor = await buildDespiteLosses(parts, first)
  // Nobody watches the progress of a later load, nor may a signal of the first one end it.
  const { onProgress: _, signal: __, ...lasting } = options
  return createPoolingEngine({
    executor,
    ...engineSizes(config, options, pooling),
    vocabSize: config.vocabSize,
    width: executor.width,
    rebuild: rebuildFrom({ ...parts, options: lasting }),
  })
}
