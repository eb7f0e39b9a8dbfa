import { invalidGguf } from './header-reader.ts'
import type { GgufMetadata } from './metadata.ts'

/** What a token is (`enum llama_token_type`). */
export const tokenTypes = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const

/** The tokenizer's part of a GGUF file's metadata, checked. */
export type Vocabulary = {
  /** Name of the file, for messages. */
  readonly file: string
  /** `general.architecture`: some models need more than the vocabulary tells. */
  readonly architecture: string
  /** `gpt2` (byte-level BPE), `llama` (SentencePiece) or `bert` (WordPiece). */
  readonly model: string
  /** Names the rules by which a byte-level tokenizer cuts text up. */
  readonly pre: string | null
  readonly tokens: readonly string[]
  readonly typeOf: (tokenId: number) => number
  readonly scores: ArrayLike<number> | null
  readonly merges: readonly (readonly [string, string])[] | null
  /** A special token by the middle of its key, such as `bos`; null where there is none. */
  readonly specialToken: (key: string) => SpecialToken | null
  readonly flag: (key: string) => boolean | null
}

export type SpecialToken = { readonly id: number; readonly content: string }

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((element) => typeof element === 'string')

const numbersOf = (
  metadata: GgufMetadata,
  key: string,
  { file, length }: { file: string; length: number },
): ArrayLike<number> | null => {
  const value = metadata.get(key)
  if (value === undefined) return null
  const isList =
    value instanceof Float32Array ||
    value instanceof Float64Array ||
    value instanceof Int32Array ||
    value instanceof Uint32Array
  if (isList && value.length === length) return value
  throw invalidGguf(file, `its ${key} is no list of ${length} numbers, one for each token`)
}

/** The tokens of a merge have no space in them, but the first may be one. */
const splitMerge = (merge: string): readonly [string, string] => {
  const space = merge.indexOf(' ', 1)
  return [merge.slice(0, space), merge.slice(space + 1)]
}

const readMerges = (metadata: GgufMetadata, file: string): Vocabulary['merges'] => {
  const merges = metadata.get('tokenizer.ggml.merges')
  if (merges === undefined) return null
  if (isStrings(merges) && merges.every((merge) => merge.indexOf(' ', 1) > 0)) {
    return merges.map(splitMerge)
  }
  throw invalidGguf(file, 'its tokenizer.ggml.merges is no list of pairs')
}

/** @throws EngineError `invalid-file` for parts that are missing or do not fit together. */
export const readVocabulary = (metadata: GgufMetadata, file: string): Vocabulary => {
  const text = (key: string): string | null => {
    const value = metadata.get(key)
    return typeof value === 'string' ? value : null
  }
  const tokens = metadata.get('tokenizer.ggml.tokens')
  const model = text('tokenizer.ggml.model')
  if (model === null || !isStrings(tokens) || tokens.length === 0) {
    throw invalidGguf(file, 'it brings no tokenizer (tokenizer.ggml.model and tokens)')
  }
  const place = { file, length: tokens.length }
  const types = numbersOf(metadata, 'tokenizer.ggml.token_type', place)
  return {
    file,
    architecture: text('general.architecture') ?? '',
    model,
    pre: text('tokenizer.ggml.pre'),
    tokens,
    typeOf: (tokenId) => types?.[tokenId] ?? tokenTypes.normal,
    scores: numbersOf(metadata, 'tokenizer.ggml.scores', place),
    merges: readMerges(metadata, file),
    specialToken: (key) => {
      const id = metadata.get(`tokenizer.ggml.${key}_token_id`)
      const content = typeof id === 'number' ? tokens[id] : undefined
      return typeof id === 'number' && content !== undefined ? { id, content } : null
    },
    flag: (key) => {
      const value = metadata.get(`tokenizer.ggml.${key}`)
      return typeof value === 'boolean' ? value : null
    },
  }
}

/** Fillers up to the rows of the embedding matrix, which no tokenizer knows. */
const isPadding = (token: string, type: number): boolean =>
  type === tokenTypes.unused && /^\[PAD\d+\]$/.test(token)

/** Tokens with their ids, as tokenizer.json lists them. */
export const vocabEntries = ({ tokens, typeOf }: Vocabulary): [string, number][] =>
  tokens
    .map((token, id): [string, number] => [token, id])
    .filter(([token, id]) => !isPadding(token, typeOf(id)))

/** The tokens that are found in a text before it is cut up, as tokenizer.json lists them. */
export const addedTokens = (
  vocabulary: Vocabulary,
  isStripped: (token: string) => boolean = () => false,
) =>
  vocabulary.tokens.flatMap((content, id) => {
    const type = vocabulary.typeOf(id)
    const special = type === tokenTypes.control || type === tokenTypes.unknown
    if (content === '' || !(special || type === tokenTypes.userDefined)) return []
    const rstrip = isStripped(content)
    return [{ id, content, special, rstrip, lstrip: false, single_word: false, normalized: false }]
  })

/** The post-processor that puts special tokens around a text. */
export const surroundWith = (
  before: SpecialToken | null,
  after: SpecialToken | null,
): Readonly<Record<string, unknown>> | null => {
  const given = [before, after].filter((token) => token !== null)
  if (given.length === 0) return null
  const part = (token: SpecialToken | null, type_id: number) =>
    token ? [{ SpecialToken: { id: token.content, type_id } }] : []
  const around = (id: string, type_id: number) => [
    ...part(before, type_id),
    { Sequence: { id, type_id } },
    ...part(after, type_id),
  ]
  const entries = given.map(({ id, content }) => [
    content,
    { id: content, ids: [id], tokens: [content] },
  ])
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(entries),
  }
}
