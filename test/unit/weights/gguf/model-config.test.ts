import { describe, expect, test } from 'vitest'
import { ggufArchitectureOf, huggingFaceName } from '../../../../src/weights/gguf/architectures.ts'
import type { GgufValue } from '../../../../src/weights/gguf/metadata.ts'
import { ggufModelConfig, type RopeFactors } from '../../../../src/weights/gguf/model-config.ts'
import { readModelKeys, shortestDecimal } from '../../../../src/weights/gguf/model-keys.ts'

type Options = {
  readonly architecture?: string
  readonly keys?: Record<string, GgufValue>
  readonly tensors?: readonly string[]
  readonly ropeFactors?: RopeFactors
}

const plain: Record<string, GgufValue> = {
  block_count: 8,
  context_length: 4096,
  embedding_length: 64,
  feed_forward_length: 128,
  'attention.head_count': 4,
  'attention.head_count_kv': 2,
  'attention.layer_norm_rms_epsilon': Math.fround(1e-5),
  'rope.freq_base': Math.fround(500_000),
}

const configOf = ({
  architecture = 'llama',
  keys = {},
  tensors = [],
  ropeFactors = {},
}: Options) => {
  const metadata = new Map<string, GgufValue>([['general.architecture', architecture]])
  for (const [key, value] of Object.entries({ ...plain, ...keys })) {
    metadata.set(`${architecture}.${key}`, value)
  }
  const modelKeys = readModelKeys(metadata, 'model.gguf')
  const names = new Set(['blk.7.ffn_down.weight', ...tensors])
  return ggufModelConfig({
    keys: modelKeys,
    architecture: ggufArchitectureOf(modelKeys),
    has: (name) => names.has(name),
    vocabSize: 99,
    ropeFactors,
  })
}

test('numbers of 32 bits become the decimals they came from', () => {
  const decimals = [1e-5, 1e-6, 0.22, 0.015625, 500_000, 10_000, 1.1904761791229248, 0]
  expect(decimals.map((value) => shortestDecimal(Math.fround(value)))).toEqual([
    ...decimals.slice(0, 6),
    1.1904762,
    0,
  ])
  expect(shortestDecimal(0.1)).toBe(0.1)
  expect(shortestDecimal(Math.PI)).toBe(Math.PI)
})

test('a plain Llama', () => {
  expect(configOf({})).toEqual({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 99,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 8,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 500_000,
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
  })
})

test('a head of its own, biases, and heads given layer by layer', () => {
  const keys = { 'attention.head_count_kv': Int32Array.of(2, 2, 2) }
  const tensors = ['output.weight', 'blk.0.attn_q.bias']
  expect(configOf({ keys, tensors })).toMatchObject({
    num_key_value_heads: 2,
    tie_word_embeddings: false,
    attention_bias: true,
  })
})

const scaling = (type: string, factor: number) => ({
  'rope.scaling.type': type,
  'rope.scaling.factor': factor,
  'rope.scaling.original_context_length': 1024,
})

/** Of eight pairs at a base of 500,000, slowed 32 times. */
const llama3Factor = (i: number) => {
  const turns = 8192 / (2 * Math.PI * 500_000 ** (i / 8))
  if (turns > 4) return 1
  return turns < 1 ? 32 : 1 / ((1 - (turns - 1) / 3) / 32 + (turns - 1) / 3)
}

describe('rope scaling', () => {
  test('linear, YaRN and none', () => {
    expect(configOf({ keys: scaling('linear', 8) })['rope_scaling']).toEqual({
      rope_type: 'linear',
      factor: 8,
    })
    expect(configOf({ keys: scaling('yarn', 4) })['rope_scaling']).toEqual({
      rope_type: 'yarn',
      factor: 4,
      original_max_position_embeddings: 1024,
    })
    expect(configOf({ keys: scaling('none', 4) })).not.toHaveProperty('rope_scaling')
  })

  test("Llama 3's, recovered from its factors", () => {
    const frequencies = Float32Array.from({ length: 8 }, (_, i) => llama3Factor(i))
    expect(new Set(frequencies).size).toBeGreaterThan(2)
    expect(configOf({ ropeFactors: { frequencies } })['rope_scaling']).toEqual({
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    })
    const ones = new Float32Array(8).fill(1)
    expect(configOf({ ropeFactors: { frequencies: ones } })).not.toHaveProperty('rope_scaling')
    frequencies[1] = 3
    expect(() => configOf({ ropeFactors: { frequencies } })).toThrow(
      expect.objectContaining({ code: 'unsupported-model' }),
    )
  })
})

test('OLMo 3 is told by its window', () => {
  const pattern = Array.from({ length: 8 }, (_, layer) => layer !== 2)
  const window = { 'attention.sliding_window': 1024 }
  const config = configOf({
    architecture: 'olmo2',
    keys: { ...window, 'attention.sliding_window_pattern': pattern },
  })
  expect(config).toMatchObject({ architectures: ['Olmo3ForCausalLM'], sliding_window: 1024 })
  expect((config['layer_types'] as string[]).indexOf('full_attention')).toBe(2)
  const usual = configOf({ architecture: 'olmo2', keys: window })['layer_types'] as string[]
  expect(usual.flatMap((type, layer) => (type === 'full_attention' ? [layer] : []))).toEqual([3, 7])
  expect(configOf({ architecture: 'olmo2' })['architectures']).toEqual(['Olmo2ForCausalLM'])
})

test.each<[string, Options, string, RegExp]>([
  [
    'an unknown architecture',
    { architecture: 'mamba' },
    'unsupported-model',
    /"mamba".*llama, qwen2/,
  ],
  ['a prototype name', { architecture: 'toString' }, 'unsupported-model', /"toString"/],
  ['experts', { keys: { expert_count: 8 } }, 'unsupported-model', /mixture of experts/],
  [
    'layers that are not there',
    { keys: { block_count: 4e9 } },
    'invalid-file',
    /4000000000 layers/,
  ],
  ['half a layer', { keys: { block_count: 7.5 } }, 'invalid-file', /7\.5 layers/],
  ['text for a number', { keys: { context_length: 'x' } }, 'invalid-file', /context_length is x/],
  ['a negative number', { keys: { context_length: -1 } }, 'invalid-file', /context_length is -1/],
  ['no number at all', { keys: { context_length: Number.NaN } }, 'invalid-file', /is NaN/],
  [
    'layers of different sizes',
    { keys: { feed_forward_length: Uint32Array.of(1, 2) } },
    'unsupported-model',
    /layers of different sizes \(llama\.feed_forward_length\)/,
  ],
  [
    'values of another size',
    { keys: { 'attention.key_length': 16, 'attention.value_length': 8 } },
    'unsupported-model',
    /16 for keys and 8 for values/,
  ],
  [
    'an unknown rope scaling',
    { keys: { 'rope.scaling.type': 'odd', 'rope.scaling.factor': 2 } },
    'invalid-file',
    /"odd"/,
  ],
  [
    'norms of single heads',
    { architecture: 'stablelm', tensors: ['blk.0.attn_q_norm.weight'] },
    'unsupported-model',
    /StableLM 2 12B/,
  ],
])('refuses %s', (_, options, code, message) => {
  const expected = expect.objectContaining({ code, message: expect.stringMatching(message) })
  expect(() => configOf(options)).toThrow(expected)
})

test('names keys that are missing', () => {
  const keys = readModelKeys(new Map([['general.architecture', 'llama']]), 'model.gguf')
  expect(() => keys.number('block_count')).toThrow(/model\.gguf.*lack llama\.block_count/)
  expect(() => readModelKeys(new Map(), 'model.gguf')).toThrow(/do not name an architecture/)
})

test('names of tensors', () => {
  const keys = readModelKeys(new Map([['general.architecture', 'phi3']]), 'model.gguf')
  const nameOf = (name: string) => huggingFaceName(name, ggufArchitectureOf(keys))
  expect(nameOf('blk.12.attn_qkv.weight')).toBe('model.layers.12.self_attn.qkv_proj.weight')
  expect(nameOf('output.weight')).toBe('lm_head.weight')
  expect(nameOf('rope_factors_long.weight')).toBeNull()
  expect(nameOf('blk.0.toString.weight')).toBeNull()
  expect(nameOf('blk.x.attn_qkv.weight')).toBeNull()
})
