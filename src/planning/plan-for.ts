import { blockSize } from '../engine/block-manager.ts'
import { bytesPerBlock, kvBlocksThatFit } from '../engine/kv-cache.ts'
import { ModelRunner } from '../engine/model-runner.ts'
import { PoolingRunner } from '../engine/pooling-runner.ts'
import {
  engineSizes,
  poolingLimits,
  runnerSizes,
  usefulTokens,
  type EngineSizes,
} from '../engine-sizes.ts'
import { EngineError } from '../errors.ts'
import { type CountedBuffer, createCountingContext } from '../gpu/counting-device.ts'
import type { GpuContext } from '../gpu/device.ts'
import { PipelineCache } from '../gpu/pipeline-cache.ts'
import type { LoadOptions, WeightQuantization } from '../load-options.ts'
import { modelTensors } from '../models/create-model.ts'
import type { ModelConfig } from '../models/model-config.ts'
import type { PoolingConfig } from '../models/pooling-config.ts'
import { localModelName } from '../storage/local-files.ts'
import type { ModelDownload } from '../storage/model-source.ts'
import type { TensorIndex, TensorInfo } from '../weights/safetensors.ts'
import { createWeightAllocator } from '../weights/weight-allocator.ts'
import { stagingBytes } from '../weights/weight-loader.ts'
import type { ModelPlan, PlanChoice } from './model-plan.ts'
import { describePlan } from './plan-text.ts'

const gibibyte = 1024 ** 3

/**
 * The budget of a page that names none.
 *
 * @param deviceMemory `navigator.deviceMemory`, in GiB, rounded and capped by the browser; undefined
 * where it does not say.
 */
export const defaultMemoryBudget = (deviceMemory = 8): number => (deviceMemory * gibibyte) / 2

/** What `auto` tries in turn. */
const autoQuantizations: readonly WeightQuantization[] = ['stored', 'q8', 'q4']

export type PlanInput = {
  readonly config: ModelConfig
  /** For a model that embeds. */
  readonly pooling: PoolingConfig | null
  /** Headers are all that is read of it. */
  readonly tensors: TensorIndex
  /** Asked for its limits and forms of kernels alone. */
  readonly context: GpuContext
  readonly options: LoadOptions
  readonly download?: ModelDownload
}

/** The name that requests use. */
const servedModelName = ({ servedModelName, model }: LoadOptions): string =>
  servedModelName ?? (typeof model === 'string' ? model : localModelName(model))

const sumBytes = (buffers: readonly CountedBuffer[]): number =>
  buffers.reduce((sum, { bytes }) => sum + bytes, 0)

/** Bytes of a block of the KV cache. Models that embed have none. */
const cacheBlockBytes = ({ config, pooling }: PlanInput, { kvFormat }: EngineSizes): number =>
  pooling ? 0 : bytesPerBlock(config, kvFormat)

/** Builds the model on devices that only count, one of them for the weights alone. */
const measure = async (input: PlanInput, sizes: EngineSizes, quantization: WeightQuantization) => {
  const { config, pooling, tensors, context, options } = input
  const used = new Map<string, TensorInfo>()
  const index = modelTensors(tensors, config)
  const get = (name: string): TensorInfo => {
    const info = index.get(name)
    used.set(name, info)
    return info
  }
  const loading = createCountingContext(context)
  const running = createCountingContext(context)
  const dtype = options.dtype ?? 'auto'
  const formats = { index: { ...index, get }, quantization, dtype }
  const build = {
    config,
    context: running.context,
    pipelines: new PipelineCache(running.context),
    weights: createWeightAllocator(loading.context.device, formats),
  }
  await (pooling
    ? PoolingRunner.create({ ...build, pooling, limits: poolingLimits(sizes) })
    : ModelRunner.create({ ...runnerSizes(config, sizes), ...build, numBlocks: 1 }))
  const block = cacheBlockBytes(input, sizes)
  return {
    tensors: [...used.values()],
    weights: loading.buffers,
    scratchBytes: sumBytes(running.buffers) - block + stagingBytes,
  }
}

/** Weights do not depend on the sizes, and the smallest sizes are measured fastest. */
const leastSizes: Partial<EngineSizes> = { maxNumSeqs: 1, maxNumBatchedTokens: 1, maxModelLen: 1 }

const measureWeights = async (input: PlanInput, sizes: EngineSizes) => {
  const of = async (quantization: WeightQuantization) => {
    const { weights, tensors } = await measure(input, { ...sizes, ...leastSizes }, quantization)
    return { weights, tensors, bytes: sumBytes(weights) }
  }
  const [stored, none, q8, q4] = [
    await of('stored'),
    await of('none'),
    await of('q8'),
    await of('q4'),
  ]
  return { stored, none, q8, q4 }
}

/** Bytes of the smallest KV cache that is of use. */
const leastCacheBytes = (input: PlanInput, sizes: EngineSizes): number => {
  const numBlocks = Math.ceil(Math.min(sizes.maxModelLen, sizes.leastContext) / blockSize)
  return Math.min(numBlocks * cacheBlockBytes(input, sizes), sizes.kvCacheBytes)
}

/** Bytes besides the weights, at least. */
const measureRest = async (input: PlanInput, sizes: EngineSizes) => {
  const { scratchBytes } = await measure(input, sizes, 'stored')
  return { scratchBytes, cacheBytes: leastCacheBytes(input, sizes) }
}

/** Halves of a long context that was asked for, down to what is of use. */
const shorterContexts = ({ leastContext }: Pick<EngineSizes, 'leastContext'>): number[] => {
  const half = Math.floor(leastContext / 2)
  return half < usefulTokens ? [] : [half, ...shorterContexts({ leastContext: half })]
}

/** What less may be asked for, the least loss first. */
const smallerOptions = (sizes: EngineSizes) => {
  const { maxModelLen, maxNumBatchedTokens } = sizes
  const context = (length: number) => (maxModelLen > length ? { maxModelLen: length } : {})
  const alone = { maxNumSeqs: 1, maxNumBatchedTokens: Math.min(64, maxNumBatchedTokens) }
  return [
    {},
    ...shorterContexts(sizes).map(context),
    context(usefulTokens / 2),
    { ...context(usefulTokens / 2), ...alone },
    { ...context(512), ...alone },
  ]
}

/** For each precision, the least that must be given up for it: what makes a model fit that does not. */
const findChoices = async (
  input: PlanInput,
  weightBytes: Readonly<Record<WeightQuantization, number>>,
  wanted: { readonly quantization: WeightQuantization; readonly budget: number },
): Promise<PlanChoice[]> => {
  const { config, pooling, options } = input
  const sizes = engineSizes(config, options, pooling)
  const stages: { options: PlanChoice['options']; bytes: number }[] = []
  for (const smaller of smallerOptions(sizes)) {
    const rest = await measureRest(input, { ...sizes, ...smaller })
    stages.push({ options: smaller, bytes: rest.scratchBytes + rest.cacheBytes })
  }
  const { quantization, budget } = wanted
  const denser = autoQuantizations.filter((name) => weightBytes[name] < weightBytes[quantization])
  const choices: PlanChoice[] = []
  for (const name of [quantization, ...denser]) {
    const stage = stages.find(({ bytes }) => weightBytes[name] + bytes <= budget)
    if (!stage) continue
    const changed = name === quantization ? {} : { quantization: name }
    const neededBytes = weightBytes[name] + stage.bytes
    choices.push({ options: { ...changed, ...stage.options }, neededBytes })
    // Still denser weights would lose more and gain nothing.
    if (stage === stages[0]) break
  }
  return choices
}

const largestOf = (weights: readonly CountedBuffer[]): ModelPlan['largestTensor'] => {
  const bytesOf = new Map<string, number>()
  for (const { label, bytes } of weights) bytesOf.set(label, (bytesOf.get(label) ?? 0) + bytes)
  const [name = '', bytes = 0] = [...bytesOf].toSorted(([, a], [, b]) => b - a)[0] ?? []
  return { name, bytes }
}

const countParameters = (tensors: readonly TensorInfo[]): number =>
  tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)

/** The least lossy of what is asked for that fits, or else the densest. */
const chooseQuantization = (
  asked: NonNullable<LoadOptions['quantization']>,
  weightBytes: Readonly<Record<WeightQuantization, number>>,
  room: number,
): WeightQuantization => {
  const candidates = asked === 'auto' ? autoQuantizations : [asked]
  const [densest] = candidates.toSorted((a, b) => weightBytes[a] - weightBytes[b])
  return candidates.find((name) => weightBytes[name] <= room) ?? densest!
}

/** A KV cache of at most `kvCacheBytes`, and the longest context that it has room for. */
const planCache = (input: PlanInput, sizes: EngineSizes, kvCacheBytes: number) => {
  const { config, pooling, context } = input
  const { kvFormat: format, maxNumSeqs, maxModelLen } = sizes
  const blockBytes = cacheBlockBytes(input, sizes)
  const numBlocks = pooling
    ? 0
    : kvBlocksThatFit(context.device, config, { format, maxNumSeqs, maxModelLen, kvCacheBytes })
  return {
    kvCache: {
      bytesPerToken: blockBytes / blockSize,
      numBlocks,
      blockSize,
      bytes: numBlocks * blockBytes,
    },
    maxModelLen: pooling ? maxModelLen : Math.min(maxModelLen, numBlocks * blockSize),
  }
}

/** The adapter binds a layer's keys as one buffer. */
const checkContext = (asked: number | undefined, longest: number): void => {
  if (asked === undefined || asked <= longest) return
  throw new EngineError(
    'limit-exceeded',
    `maxModelLen (${asked}) is greater than ${longest}, the longest whose KV cache this adapter can ` +
      'bind. Leave it out, or ask for less.',
    { details: { option: 'maxModelLen', longest } },
  )
}

/**
 * What a model will take, from its configuration and the headers of its files: it is built as it will
 * be, on devices that only count.
 *
 * @throws EngineError as loading would: for tensors that are missing, misshapen or of an unknown dtype,
 * and `limit-exceeded` for buffers that the adapter can't bind.
 */
export const planFor = async (input: PlanInput): Promise<ModelPlan> => {
  const { config, pooling, context, options, download = { totalBytes: 0, presentBytes: 0 } } = input
  const { maxBufferSize, maxStorageBufferBindingSize } = context.device.limits
  const sizes = engineSizes(config, options, pooling)
  const memoryBudget = options.memoryBudget ?? defaultMemoryBudget()
  const measured = await measureWeights(input, sizes)
  const { stored, none, q8, q4 } = measured
  const weightBytesBy = { stored: stored.bytes, none: none.bytes, q8: q8.bytes, q4: q4.bytes }
  const { scratchBytes, cacheBytes } = await measureRest(input, sizes)
  const room = memoryBudget - scratchBytes - cacheBytes
  const quantization = chooseQuantization(options.quantization ?? 'auto', weightBytesBy, room)
  const { bytes: weightBytes, tensors, weights } = measured[quantization]
  const neededBytes = weightBytes + scratchBytes + cacheBytes
  const left = Math.max(cacheBytes, memoryBudget - weightBytes - scratchBytes)
  const cache = planCache(input, sizes, Math.min(sizes.kvCacheBytes, left))
  checkContext(options.maxModelLen, cache.maxModelLen)
  const fits = neededBytes <= memoryBudget
  const wanted = { quantization, budget: memoryBudget }
  const smaller = fits ? [] : await findChoices(input, weightBytesBy, wanted)
  const larger = fits ? [] : [{ options: { memoryBudget: neededBytes }, neededBytes }]
  const plan = {
    model: servedModelName(options),
    architecture: config.architecture,
    numParameters: countParameters(tensors),
    quantization,
    maxNumSeqs: sizes.maxNumSeqs,
    maxNumBatchedTokens: sizes.maxNumBatchedTokens,
    weightBytes,
    weightBytesBy,
    ...cache,
    scratchBytes,
    totalBytes: weightBytes + scratchBytes + cache.kvCache.bytes,
    neededBytes,
    memoryBudget,
    largestTensor: largestOf(weights),
    limits: { maxBufferSize, maxStorageBufferBindingSize },
    download,
    fits,
    choices: [...smaller, ...larger],
  }
  return { ...plan, text: describePlan(plan) }
}
