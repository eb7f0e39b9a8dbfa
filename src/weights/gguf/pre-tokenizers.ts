import { EngineError } from '../../errors.ts'
import type { Vocabulary } from './vocabulary.ts'

/** How a byte-level tokenizer cuts a text into words before it merges their bytes. */
export type PreTokenizer = {
  /** Regular expressions of the models' tokenizer.json, each applied to the pieces of the one before. */
  readonly splits: readonly string[]
  /** A word that is a token is taken whole, whatever the merges say. */
  readonly ignoreMerges: boolean
  /** Texts begin with the bos token where the file does not say. */
  readonly addBos: boolean
  /** Texts are brought into Unicode's form C first. */
  readonly isComposed: boolean
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const spaces = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

/** GPT-4's pattern: words with at most one sign before them, numbers in groups. */
const gpt4 = (number: string): string =>
  String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|${number}| ?[^\s\p{L}\p{N}]+[\r\n]*|${spaces}`

const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`

/** GPT-4o's pattern: words are cut where lower case turns into upper case. */
const gpt4o = (suffix: string, number: string): string =>
  [
    String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${suffix}`,
    String.raw`[^\r\n\p{L}\p{N}]?${upper}+${lower}*${suffix}`,
    number,
    String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    spaces,
  ].join('|')

const upToThree = String.raw`\p{N}{1,3}`
const single = String.raw`\p{N}`

const define = (splits: readonly string[], rest: Partial<PreTokenizer> = {}): PreTokenizer => ({
  splits,
  ignoreMerges: false,
  addBos: false,
  isComposed: false,
  ...rest,
})

const wordsAndNumbers = define([gpt2])
const singleDigits = define([single, gpt2])
const llama3 = define([gpt4(upToThree)], { ignoreMerges: true, addBos: true })
const cl100k = define([gpt4(upToThree)])
const qwen2 = define([gpt4(single)], { isComposed: true })
const o200k = define([gpt4o(`${contractions}?`, upToThree)])

const deepseek3 = define([
  upToThree,
  '[一-龥\u3040-ゟ゠-ヿ]+',
  [
    String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\`{|}~][A-Za-z]+`,
    String.raw`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+`,
    String.raw` ?[\p{P}\p{S}]+[\r\n]*`,
    spaces,
  ].join('|'),
])

/** By `tokenizer.ggml.pre`. */
const preTokenizers = new Map<string, PreTokenizer>([
  ...['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais', 'exaone4', 'trillion', 'granite-docling'].map(
    (name) => [name, wordsAndNumbers] as const,
  ),
  ...['starcoder', 'refact', 'command-r', 'smollm', 'codeshell', 'exaone', 'minerva-7b'].map(
    (name) => [name, singleDigits] as const,
  ),
  ...['llama3', 'llama-v3', 'llama-bpe', 'falcon3', 'falcon-h1', 'pixtral', 'lfm2'].map(
    (name) => [name, llama3] as const,
  ),
  ...['dbrx', 'smaug-bpe', 'glm4', 'chatglm-bpe'].map((name) => [name, cl100k] as const),
  ['qwen2', qwen2],
  ...['stablelm2', 'deepseek-r1-qwen', 'hunyuan', 'megrez'].map(
    (name) => [name, define([gpt4(single)])] as const,
  ),
  ...['gpt-4o', 'llama4', 'kanana2'].map((name) => [name, o200k] as const),
  ['tekken', define([gpt4o('', single)], { ignoreMerges: true, addBos: true })],
  ...['deepseek-v3', 'hunyuan-dense'].map((name) => [name, deepseek3] as const),
])

/** What llama.cpp does with files that name no pattern. */
const unnamed = define([String.raw`[\p{P}$+<=>^~|]+`, gpt2, String.raw`\p{N}+`, '[0-9][0-9][0-9]'])

/** @throws EngineError `unsupported-format` for rules that Quire does not know. */
export const preTokenizerOf = ({ pre, file }: Vocabulary): PreTokenizer => {
  if (pre === null || pre === 'default') return unnamed
  const known = preTokenizers.get(pre)
  if (known) return known
  throw new EngineError(
    'unsupported-format',
    `${file} cuts text up by the rules ${JSON.stringify(pre)} (tokenizer.ggml.pre), which Quire does ` +
      "not know. Use the model's safetensors files, which bring a tokenizer.json.",
    { details: { file, pre } },
  )
}
