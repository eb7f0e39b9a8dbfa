import { buildEngine, type EngineParts, type LoadModelOptions } from './build-engine.ts'
import { buildPoolingEngine } from './build-pooling-engine.ts'
import { checkServingOptions } from './engine-sizes.ts'
import { EngineError } from './errors.ts'
import { requestGpu, type GpuContext } from './gpu/device.ts'
import type { LoadOptions, LoadProgress } from './load-options.ts'
import { readModelFiles, readModelOutline } from './model-files.ts'
import type { GrammarConnection } from './grammar/grammar-api.ts'
import { createGrammars } from './grammar/grammars.ts'
import { detectParsers } from './parsers/detect.ts'
import type { ModelPlan } from './planning/model-plan.ts'
import { defaultMemoryBudget, planFor } from './planning/plan-for.ts'
import { inBytes, refuseTooLarge } from './planning/plan-text.ts'
import type { AnyServedModel } from './server/served-model.ts'
import { callMarkers } from './server/tool-constraint.ts'
import type { ModelSource } from './storage/byte-source.ts'
import {
  inspectModelSource,
  openModelSource,
  type DownloadProgress,
  type OpenModelOptions,
} from './storage/model-source.ts'
import { loadChatTemplate } from './tokenizer/chat-template.ts'
import { namedStopTokenIds, stopTokenIds } from './tokenizer/stop-tokens.ts'
import { loadTokenizer } from './tokenizer/tokenizer.ts'

/** The platform that a model is loaded on; a worker and Node pass their own. */
export type ModelEnvironment = {
  readonly gpu: GPU | undefined
  readonly fetch: typeof fetch
  /** Models on the machine's own disk, where a program may name paths; null for what is no path. */
  readonly openPath?: (model: string) => Promise<ModelSource | null>
  /** The origin-private file system, or null where there is none. */
  readonly openStorage: () => Promise<OpenModelOptions['root']>
  /** Who compiles what answers are held to; called when a request first asks for it. */
  readonly connectGrammars: () => GrammarConnection
  readonly quota?: OpenModelOptions['quota']
  readonly locks?: OpenModelOptions['locks']
  /** `navigator.deviceMemory`, in GiB, where the browser has it. */
  readonly deviceMemory?: number | undefined
}

const describeDownload = ({ file, loadedBytes, totalBytes }: DownloadProgress): LoadProgress => ({
  phase: 'download',
  loaded: loadedBytes,
  total: totalBytes ?? loadedBytes,
  file,
  text:
    `Downloading ${file}, ${inBytes(loadedBytes)}` +
    (totalBytes === null ? '' : ` of ${inBytes(totalBytes)}`),
})

/** With a budget for this platform, where the user names none. */
const withBudget = <Options extends LoadOptions>(
  { deviceMemory }: ModelEnvironment,
  options: Options,
): Options => ({
  ...options,
  memoryBudget: options.memoryBudget ?? defaultMemoryBudget(deviceMemory),
})

const openOptions = async (
  { fetch, openStorage, quota, locks }: ModelEnvironment,
  { baseURL, hubURL, signal }: LoadModelOptions,
): Promise<OpenModelOptions> => ({
  fetch,
  root: await openStorage(),
  quota,
  locks,
  baseURL,
  hubURL,
  signal,
})

/**
 * What a model will take of the GPU and of the network: from its configuration and the headers of its
 * files, wherever they are. Nothing is stored, no weight is read.
 *
 * @throws EngineError for models that Quire does not run and for files that are missing or broken. A
 * model that is too large is no error here: the plan says so, and what would fit.
 */
export const planModel = async (
  environment: ModelEnvironment,
  given: LoadModelOptions,
): Promise<ModelPlan> => {
  const options = withBudget(environment, given)
  checkServingOptions(options)
  const { reduction, signal } = options
  const context = await requestGpu(environment.gpu, reduction ? { reduction } : {})
  try {
    const opening = await openOptions(environment, options)
    const { source, download } = await inspectModelSource(options.model, opening)
    try {
      return await planFor({ ...(await readModelOutline(source)), context, options, download })
    } finally {
      await source.close()
    }
  } catch (thrown) {
    signal?.throwIfAborted()
    throw EngineError.from(thrown)
  } finally {
    context.device.destroy()
  }
}

/** A model that answers until it is disposed of, which ends its requests and frees what it took. */
export type LoadedModel = AnyServedModel & { readonly dispose: () => void }

/**
 * From the name of a model to one that answers: the place where all rooms meet.
 *
 * @throws EngineError for everything that can be missing, broken, unsupported or too large.
 */
export const loadModel = async (
  environment: ModelEnvironment,
  given: LoadModelOptions,
): Promise<LoadedModel> => {
  const options = withBudget(environment, given)
  checkServingOptions(options)
  const { reduction, signal } = options
  const requestContext: EngineParts['requestContext'] = (request) =>
    requestGpu(environment.gpu, { ...request, ...(reduction && { reduction }) })
  // Before a byte is fetched: without a GPU there is nothing to load for.
  const context = await requestContext()
  try {
    const refuse = async (remote: ModelSource) =>
      refuseTooLarge(await planFor({ ...(await readModelOutline(remote)), context, options }))
    const { model } = options
    const atPath = typeof model === 'string' ? await environment.openPath?.(model) : null
    const source =
      atPath ??
      (await openModelSource(model, {
        ...(await openOptions(environment, options)),
        onProgress: (progress) => options.onProgress?.(describeDownload(progress)),
        beforeDownload: refuse,
      }))
    try {
      const { connectGrammars } = environment
      return await loadFromSource({ source, requestContext, options, connectGrammars }, context)
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
  parts: Pick<EngineParts, 'source' | 'requestContext' | 'options'> &
    Pick<ModelEnvironment, 'connectGrammars'>,
  context: GpuContext,
): Promise<LoadedModel> => {
  const { source, options } = parts
  const files = await readModelFiles(source)
  const { config, tensors, pooling, generation, tokenizerJson, tokenizerConfig } = files
  const plan = await planFor({ config, tensors, pooling, context, options })
  refuseTooLarge(plan)
  const { quantization, kvCache } = plan
  const tokenizer = loadTokenizer({ tokenizerJson, tokenizerConfig })
  const chatTemplate = loadChatTemplate(tokenizerConfig)
  const created = Math.floor(Date.now() / 1000)
  const served = { id: plan.model, created, tokenizer, chatTemplate }
  const ready = () => options.onProgress?.({ phase: 'ready', loaded: 1, total: 1, text: 'Ready' })
  if (pooling) {
    const first = { context, tensors }
    const engine = await buildPoolingEngine({ ...parts, config, pooling, quantization }, first)
    ready()
    const dimensions = options.matryoshkaDimensions ?? pooling.dimensions
    const vectors = { normalize: pooling.normalize, dimensions }
    const { lowersCase } = pooling
    return {
      ...served,
      task: 'embed',
      engine,
      vectors,
      lowersCase,
      dispose: () => engine.dispose(),
    }
  }
  const detected = detectParsers({
    architecture: config.architecture,
    chatTemplate: chatTemplate?.source ?? '',
    addedTokens: tokenizer.addedTokens,
  })
  const eosTokenIds = options.stopTokens
    ? namedStopTokenIds(tokenizer, options.stopTokens)
    : stopTokenIds(tokenizer, [...config.eosTokenIds, ...generation.eosTokenIds])
  const engine = await buildEngine(
    { ...parts, config, quantization, eosTokenIds },
    { context, tensors, numBlocks: kvCache.numBlocks },
  )
  ready()
  const toolParser = options.toolParser === undefined ? detected.toolParser : options.toolParser
  const grammars = createGrammars({
    tokenizer,
    vocabSize: config.vocabSize,
    stopTokenIds: eosTokenIds,
    markers: callMarkers(toolParser, tokenizer),
    connect: parts.connectGrammars,
  })
  return {
    ...served,
    task: 'generate',
    engine,
    grammars,
    dispose() {
      engine.dispose()
      grammars.dispose()
    },
    defaultSamplingParams: {
      ...generation.defaultSamplingParams,
      ...options.defaultSamplingParams,
    },
    toolParser,
    reasoningParser:
      options.reasoningParser === undefined ? detected.reasoningParser : options.reasoningParser,
  }
}
