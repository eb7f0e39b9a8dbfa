import { EngineError } from '../errors.ts'
import type { Pooling } from '../kernels/pool.ts'
import {
  invalidField,
  isRecord,
  otherModel,
  readFlag,
  readInteger,
  unsupported,
  type Json,
} from './config-fields.ts'

/** A linear layer after the pooling, in a folder of its own. */
export type DenseConfig = {
  readonly folder: string
  readonly inFeatures: number
  readonly outFeatures: number
  readonly hasBias: boolean
  readonly activation: 'identity' | 'tanh'
}

/** How a text's final hidden states become its vector. */
export type PoolingConfig = {
  readonly pooling: Pooling
  readonly dense: readonly DenseConfig[]
  /** Vectors have length 1 unless a request says otherwise. */
  readonly normalize: boolean
  /** Lengths to which vectors may be cut: none, any, or those listed. */
  readonly dimensions: 'none' | 'any' | readonly number[]
  /** Longest text in tokens, where the files set one. */
  readonly maxTokens: number | null
  /** Texts are put into lower case before they are cut into tokens. */
  readonly lowersCase: boolean
}

/** The files of sentence-transformers, besides config.json; null where the model has none. */
export type PoolingFiles = {
  readonly config: unknown
  /** modules.json. */
  readonly modules: unknown
  /** sentence_bert_config.json, or that of another network. */
  readonly sentenceBert: unknown
  readonly tokenizerConfig: unknown
  /** config.json of a module's folder. */
  readonly readModule: (folder: string) => Promise<unknown>
}

type Module = { readonly type: string; readonly path: string }

/** The last word of a module's Python class, whichever package names it. */
const readModules = (modules: unknown): Module[] => {
  if (!Array.isArray(modules)) throw invalidModules('is not a list')
  return modules.map((module: unknown) => {
    const { type, path } = isRecord(module) ? module : {}
    if (typeof type !== 'string' || typeof path !== 'string' || !/^[\w.-]*$/.test(path)) {
      throw invalidModules('has an entry without "type" and "path"')
    }
    return { type: type.split('.').at(-1) ?? type, path }
  })
}

const invalidModules = (problem: string): EngineError =>
  new EngineError(
    'invalid-file',
    `modules.json ${problem}. Check that the model is complete, then delete it and download it again.`,
    { details: { file: 'modules.json' } },
  )

const poolingModes: readonly (readonly [flag: string, name: string, pooling: Pooling])[] = [
  ['pooling_mode_mean_tokens', 'mean', 'mean'],
  ['pooling_mode_cls_token', 'cls', 'cls'],
  ['pooling_mode_lasttoken', 'lasttoken', 'last'],
]

const readPooling = (json: Json): Pooling => {
  const named: unknown = json['pooling_mode']
  const modes = Object.keys(json).filter(
    (key) => key.startsWith('pooling_mode_') && json[key] === true,
  )
  const wanted = typeof named === 'string' ? [named] : modes
  const [known] = poolingModes.filter(
    ([flag, name]) => wanted.includes(flag) || wanted.includes(name),
  )
  if (known && wanted.length === 1) return known[2]
  throw unsupported(
    `The pooling ${wanted.join(' and ') || 'of 1_Pooling/config.json'} is not supported`,
    'Choose a model that pools by mean, by its first token or by its last.',
  )
}

const activations: Readonly<Record<string, DenseConfig['activation']>> = {
  Identity: 'identity',
  Tanh: 'tanh',
}

const readDense = (json: Json, folder: string): DenseConfig => {
  const name: unknown = json['activation_function'] ?? 'torch.nn.modules.activation.Tanh'
  const activation =
    typeof name === 'string' ? activations[name.split('.').at(-1) ?? ''] : undefined
  if (!activation) {
    throw unsupported(
      `The activation ${JSON.stringify(name)} of ${folder} is not supported`,
      otherModel,
    )
  }
  return {
    folder,
    inFeatures: readInteger(json, 'in_features'),
    outFeatures: readInteger(json, 'out_features'),
    hasBias: readFlag(json, 'bias', true),
    activation,
  }
}

const isLength = (length: unknown): boolean => Number.isInteger(length) && Number(length) > 0

/** vLLM's rule: config.json lists the lengths, or says that any will do. */
const readDimensions = (json: Json): PoolingConfig['dimensions'] => {
  const listed: unknown = json['matryoshka_dimensions'] ?? null
  if (listed === null) return readFlag(json, 'is_matryoshka', false) ? 'any' : 'none'
  if (Array.isArray(listed) && listed.length > 0 && listed.every(isLength)) return listed
  throw invalidField('matryoshka_dimensions', listed, 'a list of positive integers')
}

const asRecord = (json: unknown, file: string): Json => {
  if (isRecord(json)) return json
  throw invalidField(file, json, 'a JSON object')
}

/**
 * vLLM's rule: sentence-transformers' limit, else the tokenizer's, where config.json says that positions
 * are learned. Tokenizers without a limit tell a huge one.
 */
const readMaxTokens = (config: Json, { sentenceBert, tokenizerConfig }: PoolingFiles) => {
  const own = isRecord(sentenceBert) ? sentenceBert : {}
  if ((own['max_seq_length'] ?? null) !== null) return readInteger(own, 'max_seq_length')
  const learned = config['position_embedding_type'] === 'absolute'
  const limit = isRecord(tokenizerConfig) && learned ? tokenizerConfig['model_max_length'] : null
  return isLength(limit) && Number(limit) < 2 ** 31 ? Number(limit) : null
}

const readLowersCase = ({ sentenceBert }: PoolingFiles): boolean =>
  isRecord(sentenceBert) && readFlag(sentenceBert, 'do_lower_case', false)

/**
 * Reads how a model embeds, from the files that sentence-transformers writes or, where there are none,
 * by the defaults that vLLM has: vectors of length 1, pooled as the network suggests.
 *
 * @param fallback The network's pooling.
 * @throws EngineError `unsupported-model` for a module that Quire does not know, `invalid-file`.
 */
export const readPoolingConfig = async (
  files: PoolingFiles,
  fallback: Pooling,
): Promise<PoolingConfig> => {
  const config = asRecord(files.config, 'config.json')
  const common = {
    dimensions: readDimensions(config),
    maxTokens: readMaxTokens(config, files),
    lowersCase: readLowersCase(files),
  }
  if (files.modules === null) return { pooling: fallback, dense: [], normalize: true, ...common }
  let pooling = fallback
  let normalize = false
  const dense: DenseConfig[] = []
  for (const { type, path } of readModules(files.modules)) {
    const read = async () => asRecord(await files.readModule(path), `${path}/config.json`)
    if (type === 'Pooling') pooling = readPooling(await read())
    else if (type === 'Dense') dense.push(readDense(await read(), path))
    else if (type === 'Normalize') normalize = true
    else if (type !== 'Transformer') {
      throw unsupported(`The module ${type} of modules.json is not supported`, otherModel)
    }
  }
  return { pooling, dense, normalize, ...common }
}
