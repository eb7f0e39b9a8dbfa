import { createGenerationEngine } from './engine/engine.ts'
import { kvBlocksThatFit } from './engine/kv-cache.ts'
import { ModelRunner } from './engine/model-runner.ts'
import { EngineError } from './errors.ts'
import { requestGpu, type GpuContext } from './gpu/device.ts'
import { PipelineCache } from './gpu/pipeline-cache.ts'
import type { LoadOptions, LoadProgress } from './load-options.ts'
import { parseGenerationConfig, parseModelConfig, type ModelConfig } from './models/model-config.ts'
import { detectParsers } from './parsers/detect.ts'
import type { ServedModel } from './server/served-model.ts'
import {
  openModelSource,
  type DownloadProgress,
  type ModelSource,
  type OpenModelOptions,
} from './storage/model-source.ts'
import { loadChatTemplate } from './tokenizer/chat-template.ts'
import { loadTokenizer } from './tokenizer/tokenizer.ts'
import { openSafetensors } from './weights/safetensors.ts'
import { createWeightLoader } from './weights/weight-loader.ts'

/** The platform that a model is loaded on; a worker and Node pass their own. */
export type ModelEnvironment = {
  readonly gpu: GPU | undefined
  readonly fetch: typeof fetch
  /** The origin-private file system, or null where there is none. */
  readonly openStorage: () => Promise<OpenModelOptions['root']>
  readonly quota?: OpenModelOptions['quota']
  readonly locks?: OpenModelOptions['locks']
}

export type LoadModelOptions = LoadOptions & {
  readonly onProgress?: (progress: LoadProgress) => void
  readonly signal?: AbortSignal
}

const mebibyte = 1024 * 1024
const inMebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`

const describeDownload = ({ file, loadedBytes, totalBytes }: DownloadProgress): LoadProgress => ({
  phase: 'download',
  loaded: loadedBytes,
  total: totalBytes ?? loadedBytes,
  file,
  text:
    `Downloading ${file}, ${inMebibytes(loadedBytes)}` +
    (totalBytes === null ? '' : ` of ${inMebibytes(totalBytes)}`),
})

/**
 * From the name of a model to one that answers: the place where all rooms meet.
 *
 * @throws EngineError for everything that can be missing, broken, unsupported or too large.
 */
export const loadModel = async (
  environment: ModelEnvironment,
  options: LoadModelOptions,
): Promise<ServedModel> => {
  const { reduction, signal } = options
  // Before a byte is fetched: without a GPU there is nothing to load for.
  const context = await requestGpu(environment.gpu, reduction ? { reduction } : {})
  try {
    const source = await openModelSource(options.model, {
      fetch: environment.fetch,
      root: await environment.openStorage(),
      quota: environment.quota,
      locks: environment.locks,
      baseURL: options.baseURL,
      hubURL: options.hubURL,
      signal,
      onProgress: (progress) => options.onProgress?.(describeDownload(progress)),
    })
    try {
      return await loadFromSource(source, context, options)
    } finally {
      await source.close()
    }
  } catch (thrown) {
    context.device.destroy()
    signal?.throwIfAborted()
    throw EngineError.from(thrown)
  }
}

const readOptionalJson = async (source: ModelSource, name: string): Promise<unknown> =>
  (await source.has(name)) ? source.readJson(name) : null

const loadTextRoom = async (source: ModelSource) => {
  const [tokenizerJson, tokenizerConfig, jinja] = await Promise.all([
    source.readJson('tokenizer.json'),
    readOptionalJson(source, 'tokenizer_config.json'),
    source.readText('chat_template.jinja'),
  ])
  const tokenizer = loadTokenizer({ tokenizerJson, tokenizerConfig: tokenizerConfig ?? {} })
  return { tokenizer, chatTemplate: loadChatTemplate(tokenizerConfig ?? {}, jinja ?? undefined) }
}

const createEngineFor = async (
  config: ModelConfig,
  given: {
    readonly source: ModelSource
    readonly context: GpuContext
    readonly options: LoadModelOptions
    readonly eosTokenIds: readonly number[]
  },
) => {
  const { source, context, options } = given
  const { onProgress, signal } = options
  const pipelines = new PipelineCache(context)
  const index = await openSafetensors(source)
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
  const maxNumSeqs = options.maxNumSeqs ?? 8
  const maxNumBatchedTokens = options.maxNumBatchedTokens ?? 256
  const maxModelLen = Math.min(
    options.maxModelLen ?? config.maxPositionEmbeddings,
    config.maxPositionEmbeddings,
  )
  const kvFormat = options.kvCacheDtype ?? 'f16'
  const numBlocks = kvBlocksThatFit(context.device, config, {
    format: kvFormat,
    maxNumSeqs,
    maxModelLen,
    kvCacheBytes: options.kvCacheBytes ?? 256 * mebibyte,
  })
  onProgress?.({ phase: 'compile', loaded: 0, total: 1, text: 'Compiling shaders' })
  const executor = await ModelRunner.create({
    context,
    pipelines,
    config,
    weights,
    kvFormat,
    numBlocks,
    maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens,
  })
  return createGenerationEngine({
    executor,
    maxModelLen,
    vocabSize: config.vocabSize,
    eosTokenIds: given.eosTokenIds,
    numBlocks,
    maxNumSeqs,
    maxNumBatchedTokens,
    enablePrefixCaching: options.enablePrefixCaching ?? true,
    checkIntegrity: options.checkIntegrity ?? false,
  })
}

/** Loads from files that are at hand: the stored ones of a page, or a folder in Node. */
export const loadFromSource = async (
  source: ModelSource,
  context: GpuContext,
  options: LoadModelOptions,
): Promise<ServedModel> => {
  const config = parseModelConfig(await source.readJson('config.json'))
  const generation = parseGenerationConfig(await readOptionalJson(source, 'generation_config.json'))
  const { tokenizer, chatTemplate } = await loadTextRoom(source)
  const detected = detectParsers(chatTemplate?.source ?? '', tokenizer.addedTokens)
  const engine = await createEngineFor(config, {
    source,
    context,
    options,
    eosTokenIds: [...new Set([...config.eosTokenIds, ...generation.eosTokenIds])],
  })
  options.onProgress?.({ phase: 'ready', loaded: 1, total: 1, text: 'Ready' })
  return {
    id: options.servedModelName ?? options.model,
    created: Math.floor(Date.now() / 1000),
    engine,
    tokenizer,
    chatTemplate,
    defaultSamplingParams: {
      ...generation.defaultSamplingParams,
      ...options.defaultSamplingParams,
    },
    toolParser: options.toolParser === undefined ? detected.toolParser : options.toolParser,
    reasoningParser:
      options.reasoningParser === undefined ? detected.reasoningParser : options.reasoningParser,
  }
}
