import type { ModelSource } from '../../storage/byte-source.ts'
import type { TensorIndex } from '../safetensors.ts'
import { type ConfigFields, type GgufArchitecture, ggufArchitectureOf } from './architectures.ts'
import type { GgufFile, GgufTensor } from './gguf-file.ts'
import { invalidGguf } from './header-reader.ts'
import type { GgufMetadata } from './metadata.ts'
import { ggufModelConfig, type RopeFactors } from './model-config.ts'
import { type ModelKeys, readModelKeys, shortestDecimal } from './model-keys.ts'
import { openGgufFiles } from './split-files.ts'
import { ggufTensorIndex } from './tensor-index.ts'
import { ggufTokenizer, type TokenizerFiles } from './tokenizer-files.ts'

/** A GGUF model as the files of a Hugging Face repository would have it. */
export type GgufModel = Pick<TokenizerFiles, 'tokenizerJson' | 'tokenizerConfig'> & {
  /** config.json, the token ids of the tokenizer included. */
  readonly config: ConfigFields
  /** generation_config.json: the sampling that the file recommends. */
  readonly generationConfig: ConfigFields
  /** Tensors under their Hugging Face names. */
  readonly index: TensorIndex
}

/** Far above the largest vector of factors, which has one for each pair of a head's dimensions. */
const maxRopeFactors = 4096

const readFactors = async (tensor: GgufTensor | undefined): Promise<Float32Array | undefined> => {
  if (!tensor) return undefined
  const [count] = tensor.shape
  if (tensor.shape.length !== 1 || count === undefined || count > maxRopeFactors) {
    throw invalidGguf(
      tensor.file.name,
      `${tensor.name} has the shape [${tensor.shape.join(', ')}], expected a short vector`,
    )
  }
  const factors = new Float32Array(count)
  const { file, offset, byteLength } = tensor
  tensor.type.dequantize(await file.read(offset, byteLength), factors)
  return factors
}

const readRopeFactors = async (byName: ReadonlyMap<string, GgufTensor>): Promise<RopeFactors> => {
  const [frequencies, long, short] = await Promise.all(
    ['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight'].map((name) =>
      readFactors(byName.get(name)),
    ),
  )
  return {
    ...(frequencies && { frequencies }),
    ...(long && { long }),
    ...(short && { short }),
  }
}

const samplingFields = {
  'general.sampling.temp': 'temperature',
  'general.sampling.top_k': 'top_k',
  'general.sampling.top_p': 'top_p',
  'general.sampling.min_p': 'min_p',
} as const

const readSampling = (metadata: GgufMetadata): ConfigFields =>
  Object.fromEntries(
    Object.entries(samplingFields).flatMap(([key, field]) => {
      const value = metadata.get(key)
      return typeof value === 'number' ? [[field, shortestDecimal(value)]] : []
    }),
  )

const indexTensors = (
  tensors: readonly GgufTensor[],
  keys: ModelKeys,
  architecture: GgufArchitecture,
): TensorIndex => {
  const numHeads = keys.number('attention.head_count')
  const numKvHeads = keys.optionalNumber('attention.head_count_kv') ?? numHeads
  return ggufTensorIndex(tensors, architecture, { numHeads, numKvHeads })
}

const describe = async ({ metadata, tensors }: GgufFile, name: string): Promise<GgufModel> => {
  const keys = readModelKeys(metadata, name)
  const architecture = ggufArchitectureOf(keys)
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const embedding = byName.get('token_embd.weight')
  if (embedding?.shape.length !== 2) {
    throw invalidGguf(name, 'it has no embedding matrix (token_embd.weight)')
  }
  const { tokenizerJson, tokenizerConfig, tokenIds } = ggufTokenizer(metadata, name)
  const config = ggufModelConfig({
    keys,
    architecture,
    has: (tensor) => byName.has(tensor),
    vocabSize: embedding.shape[0]!,
    ropeFactors: await readRopeFactors(byName),
  })
  return {
    config: { ...config, ...tokenIds },
    generationConfig: readSampling(metadata),
    tokenizerJson,
    tokenizerConfig,
    index: indexTensors(tensors, keys, architecture),
  }
}

/**
 * Opens a GGUF model by the name of its file, or of any file of a split one.
 *
 * @throws EngineError `invalid-file` for files that are broken or do not belong together,
 * `unsupported-format` and `unsupported-model` for what Quire does not read from GGUF, and whatever the
 * source throws.
 */
export const openGguf = async (
  source: Pick<ModelSource, 'open'>,
  name: string,
): Promise<GgufModel> => {
  const file = await openGgufFiles(source, name)
  return describe(file, name)
}

/**
 * The tensors alone, for a model whose files were closed and are read once more.
 *
 * @throws EngineError as `openGguf`.
 */
export const openGgufIndex = async (
  source: Pick<ModelSource, 'open'>,
  name: string,
): Promise<TensorIndex> => {
  const { metadata, tensors } = await openGgufFiles(source, name)
  const keys = readModelKeys(metadata, name)
  return indexTensors(tensors, keys, ggufArchitectureOf(keys))
}
