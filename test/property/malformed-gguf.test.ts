import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseGenerationConfig } from '../../src/generation-config.ts'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import { loadChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts'
import { openGguf } from '../../src/weights/gguf/open-gguf.ts'
import { readTensor } from '../../src/weights/tensor-reader.ts'
import { buildGguf, type BuiltTensor, type Typed } from '../unit/weights/gguf/build-gguf.ts'
import { byteDamage, damageBytes, strictFile, tryMalformed } from './malformed.ts'

const f32 = (name: string, ...dimensions: number[]): BuiltTensor => ({
  name,
  type: 0,
  dimensions: dimensions.map(BigInt),
  bytes: new Uint8Array(4 * dimensions.reduce((product, size) => product * size, 1)),
})

const q8 = (name: string, rows: number): BuiltTensor => ({
  name,
  type: 8,
  dimensions: [32n, BigInt(rows)],
  bytes: new Uint8Array(34 * rows),
})

const tensors: readonly BuiltTensor[] = [
  f32('token_embd.weight', 4, 6),
  f32('output_norm.weight', 4),
  f32('rope_freqs.weight', 4),
  f32('blk.0.attn_norm.weight', 4),
  q8('blk.0.attn_q.weight', 8),
  q8('blk.0.attn_k.weight', 4),
  q8('blk.0.ffn_down.weight', 1),
]
const withoutFactors = tensors.filter(({ name }) => !name.startsWith('rope'))

const strings = (...texts: string[]): Typed => ({ array: texts.map((string) => ({ string })) })
const integers = (...values: number[]): Typed => ({ array: values.map((int32) => ({ int32 })) })
const floats = (...values: number[]): Typed => ({ array: values.map((float32) => ({ float32 })) })

type Entry = readonly [string, Typed]

const metadata: readonly Entry[] = [
  ['general.architecture', { string: 'llama' }],
  ['general.alignment', { uint32: 32 }],
  ['general.sampling.temp', { float32: 0.5 }],
  ['split.count', { uint16: 1 }],
  ['llama.block_count', { uint32: 1 }],
  ['llama.context_length', { uint32: 128 }],
  ['llama.embedding_length', { uint32: 32 }],
  ['llama.feed_forward_length', { uint32: 32 }],
  ['llama.attention.head_count', { uint32: 4 }],
  ['llama.attention.head_count_kv', { uint32: 2 }],
  ['llama.attention.sliding_window', { uint32: 0 }],
  ['llama.attention.layer_norm_epsilon', { float32: 1e-5 }],
  ['llama.attention.layer_norm_rms_epsilon', { float32: 1e-5 }],
  ['llama.rope.dimension_count', { uint32: 8 }],
  ['llama.rope.freq_base', { float32: 10_000 }],
  ['llama.rope.scaling.type', { string: 'yarn' }],
  ['llama.rope.scaling.factor', { float32: 4 }],
  ['tokenizer.ggml.model', { string: 'llama' }],
  ['tokenizer.ggml.pre', { string: 'qwen2' }],
  ['tokenizer.ggml.tokens', strings('<unk>', '<s>', '</s>', 'a', 'b', 'ab')],
  ['tokenizer.ggml.token_type', integers(2, 3, 3, 1, 1, 1)],
  ['tokenizer.ggml.scores', floats(0, 0, 0, -1, -2, -3)],
  ['tokenizer.ggml.merges', strings('a b')],
  ['tokenizer.ggml.bos_token_id', { uint32: 1 }],
  ['tokenizer.ggml.eos_token_id', { uint32: 2 }],
  ['tokenizer.ggml.add_bos_token', { bool: true }],
  ['tokenizer.chat_template', { string: '{% for m in messages %}{{ m.content }}{% endfor %}' }],
]

/** Opens a model and uses all of it, as an engine does. */
const useModel = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
  const source = { open: async (name: string) => strictFile(name, bytes) }
  const model = await openGguf(source, 'model.gguf')
  parseModelConfig(model.config)
  parseGenerationConfig(model.generationConfig)
  const tokenizer = loadTokenizer(model)
  expect(typeof tokenizer.decode(tokenizer.encode('a ab<s>b'))).toBe('string')
  loadChatTemplate(model.tokenizerConfig)
  for (const name of model.index.names()) {
    const info = model.index.get(name)
    const { length } = await readTensor(info)
    if (length !== info.byteLength) throw new Error(`${name} has ${length} bytes`)
  }
}

const names = ['llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3', 'phi3', 'smollm3', 'olmo2']
const architectures = [...names, 'granite', 'stablelm', 'gpt2', 'toString', '__proto__', 'mamba']

const nestedArray = (depth: number): Typed =>
  depth === 0 ? { uint8: 1 } : { array: [nestedArray(depth - 1)] }
const extremes: readonly Typed[] = [
  ...[0, 1, 3, 2 ** 31, 2 ** 32 - 1].map((uint32) => ({ uint32 })),
  ...[-1, -(2 ** 31)].map((int32) => ({ int32 })),
  ...[(1n << 53n) + 1n, (1n << 63n) - 1n, (1n << 64n) - 1n].map((uint64) => ({ uint64 })),
  ...[0, -0.5, 1e-38, 3e38, NaN, Infinity, -Infinity].map((float32) => ({ float32 })),
  ...[1e308, NaN].map((float64) => ({ float64 })),
  ...[
    '',
    '__proto__',
    'constructor',
    'gpt2',
    'llama',
    'bert',
    'linear',
    'longrope',
    '{% if %}',
  ].map((string) => ({ string })),
  ...[Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xed, 0xa0, 0x80)].map((string) => ({ string })),
  ...[5, 0xff, 2 ** 31, 2 ** 53].map((count) => ({ array: [], of: 8, count: BigInt(count) })),
  ...[0, 7, 8, 9, 12].map((of) => ({ array: [], of, count: (1n << 61n) + 1n })),
  ...[2, 5, 60].map(nestedArray),
  { array: [], of: 99 },
  { bool: 2 },
]

const wrongValue: fc.Arbitrary<Typed> = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...extremes) },
  { weight: 12, arbitrary: fc.integer({ min: -3, max: 40 }).map((int32) => ({ int32 })) },
  { weight: 6, arbitrary: fc.float().map((float32) => ({ float32 })) },
  { weight: 6, arbitrary: fc.string({ maxLength: 6 }).map((string) => ({ string })) },
  {
    weight: 6,
    arbitrary: fc
      .array(fc.string({ maxLength: 3 }))
      .map((texts) => ({ ...strings(...texts), of: 8 })),
  },
  {
    weight: 10,
    arbitrary: fc
      .array(fc.integer({ min: -1, max: 7 }), { minLength: 6, maxLength: 6 })
      .map((values) => integers(...values)),
  },
)

/** Other tokens of the same number: prototype names, twins, no text at all. */
const tokenList = fc
  .array(
    fc.constantFrom('<s>', 'a', 'b', 'ab', '', '__proto__', 'constructor', '\u2581', '<0x41>'),
    {
      minLength: 6,
      maxLength: 6,
    },
  )
  .map((texts) => strings(...texts))

const change = fc.record({
  entry: fc.nat(metadata.length - 1),
  value: fc.option(
    fc.oneof({ weight: 9, arbitrary: wrongValue }, { weight: 1, arbitrary: tokenList }),
  ),
  isRepeated: fc.integer({ min: 0, max: 30 }).map((at) => at === 0),
})

const tensorNames = ['output', 'rope_factors_long', 'rope_factors_short', 'blk.0.attn_qkv', 'odd']
const oddNames = ['__proto__', 'constructor', '', 'blk.1.ffn_down.weight', 'blk.0.attn_k.weight']
const layerNames = ['attn_q.bias', 'ffn_up.weight', 'attn_q_norm.weight', '__proto__']

/** Another name, type, shape or place for one of the tensors. */
const tensorChange = fc.record({
  at: fc.nat(tensors.length - 1),
  name: fc.option(
    fc.constantFrom(
      ...tensorNames.map((name) => `${name}.weight`),
      ...layerNames.map((name) => `blk.0.${name}`),
      ...oddNames,
    ),
  ),
  type: fc.option(fc.constantFrom(0, 1, 2, 8, 12, 16, 30, 99)),
  dimensions: fc.option(
    fc.array(fc.constantFrom(0n, 1n, 3n, 16n, 32n, 256n, 1n << 31n, 1n << 62n), { maxLength: 5 }),
  ),
  offset: fc.option(fc.constantFrom(0n, 1n, 32n, 64n, 1n << 40n, (1n << 64n) - 32n), { freq: 3 }),
})

const structured = fc
  .record({
    architecture: fc.constantFrom(...architectures),
    changes: fc.array(change, { maxLength: 3 }),
    tensorChanges: fc.array(tensorChange, { maxLength: 2 }),
    hasFactors: fc.integer({ min: 0, max: 9 }).map((at) => at === 0),
  })
  .map(({ architecture, changes, tensorChanges, hasFactors }) => {
    const entries = metadata.flatMap(([key, value], at): Entry[] => {
      const found = changes.find(({ entry }) => entry === at)
      if (found?.value === null) return []
      const own = key === 'general.architecture' ? { string: architecture } : value
      const entry: Entry = [key.replace(/^llama\./, `${architecture}.`), found?.value ?? own]
      return found?.isRepeated ? [entry, entry] : [entry]
    })
    const changed = tensors.map((tensor, at) => {
      const { name, type, dimensions, offset } =
        tensorChanges.find((other) => other.at === at) ?? {}
      return {
        ...tensor,
        name: name ?? tensor.name,
        type: type ?? tensor.type,
        dimensions: dimensions ?? tensor.dimensions,
        ...((offset ?? null) !== null && { offset: offset! }),
      }
    })
    return buildGguf({
      metadata: entries,
      tensors: changed.filter(({ name }) => hasFactors || !name.startsWith('rope')),
    })
  })

const sound = buildGguf({ metadata, tensors: withoutFactors })
const versionTwo = buildGguf({ version: 2, metadata: metadata.slice(0, 9), tensors })
const bytes = byteDamage([sound, versionTwo]).map((damage) => damageBytes(sound, damage))
const inputs = fc.oneof({ weight: 3, arbitrary: structured }, { weight: 2, arbitrary: bytes })

test('a damaged GGUF file can be read, or is refused with a code', async () => {
  await useModel(sound)
  const outcomes = await tryMalformed(0.25, inputs, useModel)
  expect(Object.keys(outcomes).toSorted()).toEqual([
    'invalid-file',
    'loaded',
    'unsupported-format',
    'unsupported-model',
  ])
  // Or the damage would never have reached what is read, or would always have been too much.
  expect(outcomes['loaded']).toBeGreaterThan(0.05)
  expect(outcomes['invalid-file']).toBeGreaterThan(0.25)
})
