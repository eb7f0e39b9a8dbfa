import {
  buildEngine,
  checkServingOptions,
  inMebibytes,
  type EngineParts,
  type LoadModelOptions,
} from './build-engine.ts'
import { EngineError } from './errors.ts'
import { requestGpu, type GpuContext } from './gpu/device.ts'
import type { LoadProgress } from './load-options.ts'
import { readModelFiles } from './model-files.ts'
import { detectParsers } from './parsers/detect.ts'
import type { ServedModel } from './server/served-model.ts'
import {
  openModelSource,
  type DownloadProgress,
  type OpenModelOptions,
} from './storage/model-source.ts'
import { loadChatTemplate } from './tokenizer/chat-template.ts'
import { loadTokenizer } from './tokenizer/tokenizer.ts'

/** The platform that a model is loaded on; a worker and Node pass their own. */
export type ModelEnvironment = {
  readonly gpu: GPU | undefined
  readonly fetch: typeof fetch
  /** The origin-private file system, or null where there is none. */
  readonly openStorage: () => Promise<OpenModelOptions['root']>
  readonly quota?: OpenModelOptions['quota']
  readonly locks?: OpenModelOptions['locks']
}

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
  checkServingOptions(options)
  const { reduction, signal } = options
  const requestContext: EngineParts['requestContext'] = (request) =>
    requestGpu(environment.gpu, { ...request, ...(reduction && { reduction }) })
  // Before a byte is fetched: without a GPU there is nothing to load for.
  const context = await requestContext()
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
      return await loadFromSource({ source, requestContext, options }, context)
    } finally {
      await source.close()
    }
  } catch (thrown) {
    context.device.destroy()
    signal?.throwIfAborted()
    throw EngineError.from(thrown)
  }
}

/** Loads from files that are at hand: the stored ones of a page, or a folder in Node. */
export const loadFromSource = async (
  parts: Pick<EngineParts, 'source' | 'requestContext' | 'options'>,
  context: GpuContext,
): Promise<ServedModel> => {
  const { source, options } = parts
  const files = await readModelFiles(source)
  const { config, generation, tokenizerJson, tokenizerConfig } = files
  const tokenizer = loadTokenizer({ tokenizerJson, tokenizerConfig })
  const chatTemplate = loadChatTemplate(tokenizerConfig, files.chatTemplate ?? undefined)
  const detected = detectParsers(chatTemplate?.source ?? '', tokenizer.addedTokens)
  const eosTokenIds = [...new Set([...config.eosTokenIds, ...generation.eosTokenIds])]
  const quantization = options.quantization ?? files.quantization
  const settled = { ...options, ...(quantization && { quantization }) }
  const engine = await buildEngine({ ...parts, options: settled, config, eosTokenIds }, context)
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
