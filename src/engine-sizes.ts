import { blockSize } from './engine/block-manager.ts'
import { defaultNumExtraSamples } from './engine/engine.ts'
import { bytesPerBlock } from './engine/kv-cache.ts'
import type { PoolingStepLimits } from './engine/pooling-step.ts'
import { EngineError } from './errors.ts'
import type { KvFormat } from './kernels/kv-format.ts'
import type { LoadOptions } from './load-options.ts'
import type { ModelConfig } from './models/model-config.ts'
import type { PoolingConfig } from './models/pooling-config.ts'

const mebibyte = 1024 * 1024
const mostSeqs = 32

const checkRange = (option: string, value: number, low: number, high: number): void => {
  if (Number.isInteger(value) && value >= low && value <= high) return
  throw new EngineError(
    'invalid-request',
    `${option} must be an integer from ${low} to ${high}, got ${value}.`,
    { details: { option } },
  )
}

const quantizations = new Set<unknown>([undefined, 'auto', 'stored', 'none', 'q8', 'q4'])

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
  checkRange('memoryBudget', options.memoryBudget ?? 1, 1, Number.MAX_SAFE_INTEGER)
  if (!quantizations.has(options.quantization)) {
    throw new EngineError(
      'invalid-request',
      "quantization must be 'auto', 'stored', 'none', 'q8' or 'q4', got " +
        `${JSON.stringify(options.quantization)}.`,
      { details: { option: 'quantization' } },
    )
  }
  if (speculation) {
    const { numSpeculativeTokens } = speculation
    checkRange('speculation.numSpeculativeTokens', numSpeculativeTokens, 1, defaultNumExtraSamples)
  }
}

/** What decides how much memory an engine takes besides its weights. */
export type EngineSizes = {
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
  readonly maxModelLen: number
  /** Longest context that the KV cache has to hold, for the model to be of use or because it is asked for. */
  readonly leastContext: number
  readonly kvFormat: KvFormat
  /** Bytes for the KV cache at most. */
  readonly kvCacheBytes: number
}

/** A KV cache for fewer tokens, or for less than one whole context, is of little use. */
export const usefulTokens = 2048

/**
 * The sizes that the options ask for, and the defaults of the others.
 *
 * @param pooling For a model that embeds.
 * @throws EngineError `invalid-request` for a `maxModelLen` beyond what the model or `kvCacheBytes` holds.
 */
export const engineSizes = (
  config: ModelConfig,
  options: LoadOptions,
  pooling: PoolingConfig | null = null,
): EngineSizes =>
  pooling ? poolingEngineSizes(config, options, pooling) : generationSizes(config, options)

/** As in vLLM: with long RoPE, texts within the original length are served best, unless longer are asked for. */
const defaultContext = ({ contextLength, ropes }: ModelConfig): number =>
  ropes.reduce(
    (length, { scaling }) =>
      scaling.type === 'longrope'
        ? Math.min(length, scaling.originalMaxPositionEmbeddings)
        : length,
    contextLength,
  )

/** @param source What sets the limit, for the message. */
const checkModelLen = (asked: number | undefined, longest: number, source: string): void => {
  if (asked === undefined || asked <= longest) return
  throw new EngineError(
    'invalid-request',
    `maxModelLen (${asked}) is greater than ${longest}, the longest that ${source}. Leave it out, or ` +
      'ask for less.',
    { details: { option: 'maxModelLen', longest } },
  )
}

const defaultCacheBytes = 256 * mebibyte

const generationSizes = (config: ModelConfig, options: LoadOptions): EngineSizes => {
  const { kvCacheDtype: kvFormat = 'f16', maxModelLen: asked } = options
  checkModelLen(asked, config.contextLength, 'config.json has positions for')
  const blockBytes = bytesPerBlock(config, kvFormat)
  const askedBytes = Math.ceil((asked ?? 0) / blockSize) * blockBytes
  const kvCacheBytes = options.kvCacheBytes ?? Math.max(defaultCacheBytes, askedBytes)
  // No context gets longer than the cache, and tables grow with the context.
  const cached = Math.max(1, Math.floor(kvCacheBytes / blockBytes)) * blockSize
  const source = `kvCacheBytes (${kvCacheBytes}) holds, where it would take ${askedBytes}`
  checkModelLen(asked, cached, source)
  const maxModelLen = asked ?? Math.min(defaultContext(config), cached)
  return {
    maxNumSeqs: options.maxNumSeqs ?? 8,
    maxNumBatchedTokens: options.maxNumBatchedTokens ?? 256,
    maxModelLen,
    leastContext: asked ?? Math.min(maxModelLen, usefulTokens),
    kvFormat,
    kvCacheBytes,
  }
}

/** The sizes as the runner takes them. */
export const runnerSizes = (config: ModelConfig, sizes: EngineSizes) => ({
  config,
  kvFormat: sizes.kvFormat,
  maxModelLen: sizes.maxModelLen,
  maxNumSeqs: sizes.maxNumSeqs,
  maxNumSamples: sizes.maxNumSeqs + defaultNumExtraSamples,
  maxNumBatchedTokens: sizes.maxNumBatchedTokens,
})

/** A step holds whole texts, so that buffers grow with the longest: longer ones must be asked for. */
const defaultTextLength = 4096
/** Workgroups in a row of a grid, of which some kernels take one a token. */
const mostStepTokens = 65_535

/** The same for a model that embeds, which keeps nothing from step to step. */
const poolingEngineSizes = (
  config: ModelConfig,
  options: LoadOptions,
  { maxTokens }: PoolingConfig,
): EngineSizes => {
  const longest = Math.min(config.contextLength, maxTokens ?? Infinity, mostStepTokens)
  checkModelLen(options.maxModelLen, longest, "the model's files have it embed")
  const maxModelLen = options.maxModelLen ?? Math.min(defaultTextLength, longest)
  return {
    maxNumSeqs: options.maxNumSeqs ?? mostSeqs,
    maxNumBatchedTokens: Math.min(
      options.maxNumBatchedTokens ?? Math.max(512, maxModelLen),
      mostStepTokens,
    ),
    maxModelLen,
    leastContext: 0,
    kvFormat: 'f32',
    kvCacheBytes: 0,
  }
}

/** The sizes as the runner of such a model takes them. */
export const poolingLimits = (sizes: EngineSizes): PoolingStepLimits => ({
  maxNumTokens: Math.max(sizes.maxNumBatchedTokens, sizes.maxModelLen),
  maxNumSequences: sizes.maxNumSeqs,
  maxModelLen: sizes.maxModelLen,
})
