import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EngineError } from '../../../../src/errors.ts'
import { parseModelConfig } from '../../../../src/models/parse-config.ts'
import { loadTokenizer } from '../../../../src/tokenizer/tokenizer.ts'
import { openGguf } from '../../../../src/weights/gguf/open-gguf.ts'
import { readTensor } from '../../../../src/weights/tensor-reader.ts'
import { buildGguf, type BuiltTensor, filesSource, type Typed } from './build-gguf.ts'

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
  f32('token_embd.weight', 32, 6),
  f32('output_norm.weight', 32),
  f32('rope_freqs.weight', 4),
  f32('blk.0.attn_norm.weight', 32),
  q8('blk.0.attn_q.weight', 32),
  q8('blk.0.attn_k.weight', 16),
  q8('blk.0.attn_v.weight', 16),
  q8('blk.0.ffn_down.weight', 32),
]

const strings = (...texts: string[]): Typed => ({ array: texts.map((string) => ({ string })) })
const integers = (...values: number[]): Typed => ({ array: values.map((int32) => ({ int32 })) })

const metadata: readonly (readonly [string, Typed])[] = [
  ['general.architecture', { string: 'llama' }],
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
  ['tokenizer.ggml.scores', { array: [0, 0, 0, -1, -2, -3].map((float32) => ({ float32 })) }],
  ['tokenizer.ggml.merges', strings('a b')],
  ['tokenizer.ggml.bos_token_id', { uint32: 1 }],
  ['tokenizer.ggml.eos_token_id', { uint32: 2 }],
  ['tokenizer.ggml.add_bos_token', { bool: true }],
  ['tokenizer.chat_template', { string: '{{ messages }}' }],
]

const names = ['llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3', 'phi3', 'smollm3', 'olmo2']
const architectures = [...names, 'granite', 'stablelm', 'gpt2', 'toString', 'mamba']

const wrongValue: fc.Arbitrary<Typed> = fc.oneof(
  fc.integer({ min: 0, max: 4_294_967_295 }).map((uint32) => ({ uint32 })),
  fc.integer({ min: -3, max: 40 }).map((int32) => ({ int32 })),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((uint64) => ({ uint64 })),
  fc.float().map((float32) => ({ float32 })),
  fc.boolean().map((bool) => ({ bool })),
  fc.string().map((string) => ({ string })),
  fc
    .constantFrom('gpt2', 'llama', 'bert', '__proto__', 'linear', 'longrope')
    .map((string) => ({ string })),
  fc.array(fc.string()).map((texts) => ({ ...strings(...texts), of: 8 })),
  fc.array(fc.float(), { minLength: 6, maxLength: 6 }).map((values) => ({
    array: values.map((float32) => ({ float32 })),
  })),
  fc
    .array(fc.integer({ min: -1, max: 7 }), { minLength: 6, maxLength: 6 })
    .map((values) => integers(...values)),
)

/** Another name, type or shape for one of the tensors. */
const tensorChange = fc.record({
  at: fc.nat(tensors.length - 1),
  name: fc.option(
    fc.constantFrom(
      'output.weight',
      'rope_factors_long.weight',
      'rope_factors_short.weight',
      'blk.0.attn_q.bias',
      'blk.0.attn_qkv.weight',
      'blk.0.ffn_up.weight',
      'blk.0.attn_q_norm.weight',
      'blk.1.ffn_down.weight',
      'odd',
    ),
  ),
  type: fc.option(fc.constantFrom(0, 1, 2, 8, 12, 16, 30)),
  dimensions: fc.option(
    fc.array(fc.constantFrom(0n, 1n, 3n, 16n, 32n, 64n, 256n), { maxLength: 5 }),
  ),
})

const change = fc.record({ entry: fc.nat(metadata.length - 1), value: fc.option(wrongValue) })

/** Opens a model and reads all of it, as an engine does. */
const useModel = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
  const model = await openGguf(filesSource({ 'model.gguf': bytes }), 'model.gguf')
  parseModelConfig(model.config)
  loadTokenizer(model).encode('a ab<s>b')
  for (const name of model.index.names()) {
    const info = model.index.get(name)
    expect((await readTensor(info)).byteLength).toBe(info.byteLength)
  }
}

/** Anything but a model or an EngineError fails the test. */
const tryModel = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
  try {
    await useModel(bytes)
    return 'loaded'
  } catch (error) {
    if (error instanceof EngineError && error.code !== 'internal') return error.code
    throw error
  }
}

const withoutFactors = tensors.filter(({ name }) => !name.startsWith('rope'))

test('the model that is mutated is sound', async () => {
  expect(await tryModel(buildGguf({ metadata, tensors: withoutFactors }))).toBe('loaded')
})

const numRuns = Number(process.env['GGUF_FUZZ_RUNS'] ?? 600)

test('wrong metadata end in an EngineError or in a model that can be read', async () => {
  const outcomes = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...architectures),
      fc.array(change, { maxLength: 3 }),
      fc.array(tensorChange, { maxLength: 2 }),
      fc.boolean(),
      async (architecture, changes, tensorChanges, hasFactors) => {
        const entries = metadata.map(([key, value], at): readonly [string, Typed] | null => {
          const found = changes.find(({ entry }) => entry === at)
          if (found?.value === null) return null
          const own = key === 'general.architecture' ? { string: architecture } : value
          return [key.replace(/^llama\./, `${architecture}.`), found?.value ?? own]
        })
        const changed = tensors.map((tensor, at) => {
          const found = tensorChanges.find((other) => other.at === at)
          return {
            ...tensor,
            name: found?.name ?? tensor.name,
            type: found?.type ?? tensor.type,
            dimensions: found?.dimensions ?? tensor.dimensions,
          }
        })
        const bytes = buildGguf({
          metadata: entries.filter((entry) => entry !== null),
          tensors: changed.filter(({ name }) => hasFactors || !name.startsWith('rope')),
        })
        outcomes.add(await tryModel(bytes))
      },
    ),
    { numRuns },
  )
  // The cases reach everything that a file can end in.
  expect([...outcomes].toSorted()).toEqual([
    'invalid-file',
    'loaded',
    'unsupported-format',
    'unsupported-model',
  ])
})
