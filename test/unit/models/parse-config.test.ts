import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseModelConfig } from '../../../src/models/parse-config.ts'

const qwen3 = {
  architectures: ['Qwen3ForCausalLM'],
  attention_bias: false,
  bos_token_id: 151643,
  eos_token_id: 151645,
  head_dim: 128,
  hidden_act: 'silu',
  hidden_size: 1024,
  intermediate_size: 3072,
  max_position_embeddings: 40960,
  max_window_layers: 28,
  model_type: 'qwen3',
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1000000,
  sliding_window: null,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151936,
}

/** As ibm-granite/granite-4.0-1b names its fields. */
const granite4 = {
  architectures: ['GraniteMoeHybridForCausalLM'],
  layer_types: ['attention', 'attention'],
  num_hidden_layers: 2,
  num_local_experts: 0,
  shared_intermediate_size: 4096,
  position_embedding_type: 'rope',
}

const llama3 = {
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  bos_token_id: 128000,
  eos_token_id: [128001, 128008, 128009],
  hidden_act: 'silu',
  hidden_size: 2048,
  intermediate_size: 8192,
  max_position_embeddings: 131072,
  mlp_bias: false,
  num_attention_heads: 32,
  num_hidden_layers: 16,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    factor: 32,
    high_freq_factor: 4,
    low_freq_factor: 1,
    original_max_position_embeddings: 8192,
    rope_type: 'llama3',
  },
  rope_theta: 500000,
  tie_word_embeddings: true,
  vocab_size: 128256,
}

const gpt2 = {
  architectures: ['GPT2LMHeadModel'],
  activation_function: 'gelu_new',
  bos_token_id: 50256,
  eos_token_id: 50256,
  layer_norm_epsilon: 1e-5,
  n_embd: 768,
  n_head: 12,
  n_layer: 12,
  n_positions: 1024,
  vocab_size: 50257,
}

const stablelm = {
  ...llama3,
  architectures: ['StableLmForCausalLM'],
  layer_norm_eps: 1e-5,
  rope_scaling: null,
  use_qkv_bias: true,
}

const { rope_theta: _theta, rope_scaling: _scaling, ...withoutRope } = llama3
const ministral3 = {
  ...withoutRope,
  architectures: ['Ministral3ForCausalLM'],
  rope_parameters: {
    beta_fast: 32,
    beta_slow: 1,
    factor: 16,
    llama_4_scaling_beta: 0.1,
    mscale: 1,
    mscale_all_dim: 1,
    original_max_position_embeddings: 16384,
    rope_theta: 1_000_000,
    rope_type: 'yarn',
  },
}
const beta = { rope_type: 'default', rope_theta: 10_000, llama_4_scaling_beta: 0.1 }

test('a Qwen3 configuration', () => {
  expect(parseModelConfig(qwen3)).toEqual({
    architecture: 'Qwen3ForCausalLM',
    vocabSize: 151936,
    hiddenSize: 1024,
    intermediateSize: 3072,
    numLayers: 28,
    numHeads: 16,
    numKvHeads: 8,
    headDim: 128,
    rotaryDim: 128,
    norm: 'rms',
    normEps: 1e-6,
    normOffset: 0,
    normPlacement: 'pre',
    ropes: [{ theta: 1000000, scaling: { type: 'none' } }],
    layers: Array.from({ length: 28 }, () => ({ window: 0, rope: 0 })),
    maxPositionEmbeddings: 40960,
    contextLength: 40960,
    tieWordEmbeddings: true,
    learnedPositions: false,
    attentionBias: false,
    outputBias: false,
    mlpBias: false,
    qkNorm: 'head',
    gatedMlp: true,
    activation: 'silu',
    causal: true,
    experts: null,
    attentionScale: 1 / Math.sqrt(128),
    queryScaling: null,
    attentionSoftCap: 0,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    logitSoftCap: 0,
    eosTokenIds: [151645],
    bosTokenId: 151643,
    torchDtype: 'bfloat16',
    quantization: null,
  })
})

test('a Llama 3 configuration', () => {
  expect(parseModelConfig(llama3)).toMatchObject({
    headDim: 64,
    qkNorm: 'none',
    attentionBias: false,
    eosTokenIds: [128001, 128008, 128009],
    ropes: [
      {
        theta: 500000,
        scaling: {
          type: 'llama3',
          factor: 32,
          lowFreqFactor: 1,
          highFreqFactor: 4,
          originalMaxPositionEmbeddings: 8192,
        },
      },
    ],
    torchDtype: null,
  })
})

test("transformers 5's field names mean the same", () => {
  const { rope_theta: _theta, rope_scaling, torch_dtype: _dtype, ...rest } = { ...qwen3, ...llama3 }
  const config = parseModelConfig({
    ...rest,
    rope_parameters: { ...rope_scaling, rope_theta: 500000 },
    dtype: 'bfloat16',
  })
  expect(config).toEqual(parseModelConfig({ ...qwen3, ...llama3 }))
})

test('Qwen2 has biases without saying so, and names a window that is off', () => {
  const config = parseModelConfig({
    ...qwen3,
    architectures: ['Qwen2ForCausalLM'],
    attention_bias: undefined,
    head_dim: undefined,
    sliding_window: 32768,
  })
  expect(config).toMatchObject({
    attentionBias: true,
    outputBias: false,
    qkNorm: 'none',
    headDim: 64,
  })
})

test('Mistral slides where its window is on and is reached', () => {
  const { use_sliding_window: _off, ...mistral } = {
    ...qwen3,
    architectures: ['MistralForCausalLM'],
  }
  const windows = (change: object) =>
    new Set(parseModelConfig({ ...mistral, ...change }).layers.map((layer) => layer.window))
  expect(windows({ sliding_window: null })).toEqual(new Set([0]))
  expect(windows({ sliding_window: 40960 })).toEqual(new Set([0]))
  expect(windows({ sliding_window: 4096 })).toEqual(new Set([4096]))
})

test('Qwen slides from a layer on, if it does', () => {
  const uses = { ...qwen3, use_sliding_window: true, sliding_window: 4096, max_window_layers: 26 }
  const windows = parseModelConfig(uses).layers.map((layer) => layer.window)
  expect(windows).toEqual([...Array.from({ length: 26 }, () => 0), 4096, 4096])
})

test('a Llama with biases has them on all projections', () => {
  expect(parseModelConfig({ ...llama3, attention_bias: true, mlp_bias: true })).toMatchObject({
    attentionBias: true,
    outputBias: true,
    mlpBias: true,
  })
})

test.each([
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu-tanh'],
  ['gelu_pytorch_tanh', 'gelu-tanh'],
  ['swish', 'silu'],
])('the activation %s is %s', (hidden_act, activation) => {
  expect(parseModelConfig({ ...llama3, hidden_act })).toMatchObject({ activation })
})

test('GPT-2 has names of its own', () => {
  const config = parseModelConfig(gpt2)
  expect(config).toMatchObject({
    hiddenSize: 768,
    intermediateSize: 3072,
    numLayers: 12,
    numHeads: 12,
    numKvHeads: 12,
    maxPositionEmbeddings: 1024,
    norm: 'layer',
    normEps: 1e-5,
    learnedPositions: true,
    tieWordEmbeddings: true,
    attentionBias: true,
    outputBias: true,
    mlpBias: true,
    gatedMlp: false,
    activation: 'gelu-tanh',
    attentionScale: 1 / 8,
  })
  expect(new Set(config.layers.map(({ rope }) => rope))).toEqual(new Set([null]))
  const other = { ...gpt2, n_inner: 96, activation_function: 'gelu', scale_attn_weights: false }
  expect(parseModelConfig(other)).toMatchObject({
    intermediateSize: 96,
    activation: 'gelu',
    attentionScale: 1,
  })
})

test('StableLM has LayerNorm and rotates a quarter of a head unless it says otherwise', () => {
  expect(parseModelConfig(stablelm)).toMatchObject({
    norm: 'layer',
    normEps: 1e-5,
    rotaryDim: 16,
    attentionBias: true,
    outputBias: false,
  })
  expect(parseModelConfig({ ...stablelm, partial_rotary_factor: 0.5 }).rotaryDim).toBe(32)
  const parameters = { rope_type: 'default', rope_theta: 10_000, partial_rotary_factor: 1 }
  expect(parseModelConfig({ ...stablelm, rope_parameters: parameters }).rotaryDim).toBe(64)
})

const whole = (text_config: object) => ({
  architectures: ['Mistral3ForConditionalGeneration'],
  model_type: 'mistral3',
  tie_word_embeddings: true,
  text_config,
})

test('Ministral 3 scales its queries, alone or as the text model of Mistral 3', () => {
  const config = parseModelConfig(ministral3)
  expect(config).toMatchObject({
    queryScaling: { beta: 0.1, length: 16384 },
    ropes: [{ theta: 1_000_000, scaling: { type: 'yarn', factor: 16, attentionFactor: 1 } }],
  })
  const { architectures: _, ...text } = { ...ministral3, model_type: 'ministral3' }
  expect(parseModelConfig(whole({ ...text, tie_word_embeddings: false }))).toEqual({
    ...config,
    architecture: 'Mistral3ForConditionalGeneration',
    tieWordEmbeddings: false,
  })
  const { tie_word_embeddings: _tied, ...unsaid } = text
  expect(parseModelConfig(whole(unsaid)).tieWordEmbeddings).toBe(true)
  expect(() => parseModelConfig(whole({ ...text, model_type: 'llama' }))).toThrow(/"llama"/)
  expect(() => parseModelConfig({ ...whole(text), text_config: null })).toThrow(/"text_config"/)
  expect(() => parseModelConfig({ ...ministral3, rope_parameters: null })).toThrow(
    /"rope_parameters"/,
  )
})

test("Gemma 3's older fields mean the same as those of transformers 5", () => {
  const gemma = {
    ...qwen3,
    architectures: ['Gemma3ForCausalLM'],
    hidden_activation: 'gelu_pytorch_tanh',
    sliding_window: 512,
  }
  const older = { ...gemma, rope_scaling: { rope_type: 'linear', factor: 8 } }
  const { rope_theta: _theta, ...newer } = {
    ...gemma,
    layer_types: Array.from({ length: 28 }, (_, layer) =>
      (layer + 1) % 6 === 0 ? 'full_attention' : 'sliding_attention',
    ),
    rope_parameters: {
      full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1_000_000 },
      sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
    },
  }
  const config = parseModelConfig(older)
  expect(config).toEqual(parseModelConfig(newer))
  expect(config.layers.slice(4, 7)).toEqual([
    { window: 512, rope: 1 },
    { window: 0, rope: 0 },
    { window: 512, rope: 1 },
  ])
})

test.each([
  ['number of key heads', { num_key_value_heads: undefined }, { numKvHeads: 16 }],
  [
    'rope theta',
    { rope_theta: undefined },
    { ropes: [{ theta: 10000, scaling: { type: 'none' } }] },
  ],
  ['tied embeddings', { tie_word_embeddings: undefined }, { tieWordEmbeddings: false }],
  ['ids', { bos_token_id: null, eos_token_id: null }, { bosTokenId: null, eosTokenIds: [] }],
  ['no id', { bos_token_id: -1, eos_token_id: [-1, 5] }, { bosTokenId: null, eosTokenIds: [5] }],
  [
    'yarn parameters',
    { rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32768 } },
    {
      ropes: [
        {
          theta: 1000000,
          scaling: expect.objectContaining({ type: 'yarn', betaFast: 32, betaSlow: 1 }),
        },
      ],
    },
  ],
])('%s has a default', (_, change, expected) => {
  expect(parseModelConfig({ ...qwen3, ...change })).toMatchObject(expected)
})

test('Granite 4 without Mamba layers, with positions or without', () => {
  const config = parseModelConfig({ ...qwen3, ...granite4 })
  expect(config).toMatchObject({ intermediateSize: 4096, layers: [{ rope: 0 }, { rope: 0 }] })
  const nope = parseModelConfig({ ...qwen3, ...granite4, position_embedding_type: 'nope' })
  expect(nope.layers.map(({ rope }) => rope)).toEqual([null, null])
})

test.each([
  [
    'an architecture',
    { architectures: ['MambaForCausalLM'] },
    /MambaForCausalLM.*Qwen3ForCausalLM/,
  ],
  ['no architecture', { architectures: undefined }, /model_type "qwen3"/],
  ['an activation', { hidden_act: 'relu' }, /"relu"/],
  ['an activation of a prototype', { hidden_act: 'toString' }, /"toString"/],
  [
    'GPT-2 of another kind',
    { ...gpt2, num_key_value_heads: 12, scale_attn_by_inverse_layer_idx: true },
    /inverse_layer/,
  ],
  [
    'GPT-2 with an encoder',
    { ...gpt2, num_key_value_heads: 12, add_cross_attention: true },
    /add_cross_attention/,
  ],
  ['norms of single heads', { ...stablelm, qk_layernorm: true }, /qk_layernorm/],
  ['parallel blocks', { ...stablelm, use_parallel_residual: true }, /use_parallel_residual/],
  [
    'query scaling of others',
    { ...ministral3, rope_parameters: beta },
    /llama_4_scaling_beta.*YaRN/,
  ],
  ['Mamba layers', { ...granite4, layer_types: ['mamba', 'attention'] }, /Mamba/],
  ['experts beside a shared MLP', { ...granite4, num_local_experts: 8 }, /experts/],
  ['a RoPE scaling', { rope_scaling: { rope_type: 'dynamic' } }, /"dynamic".*yarn/],
])('refuses %s that it does not run', (_, change, message) => {
  expect(() => parseModelConfig({ ...qwen3, ...change })).toThrowError(
    expect.objectContaining({
      code: 'unsupported-model',
      message: expect.stringMatching(message),
    }),
  )
})

test.each([
  ['hidden_size', undefined],
  ['hidden_size', '1024'],
  ['hidden_size', 10.5],
  ['num_attention_heads', 0],
  ['num_key_value_heads', 3],
  ['head_dim', 33],
  ['vocab_size', NaN],
  ['tie_word_embeddings', 'yes'],
  ['eos_token_id', 'eos'],
  ['layer_types', ['full_attention']],
  ['rope_scaling', 7],
])('names the field %s where it is %j', (field, value) => {
  expect(() => parseModelConfig({ ...qwen3, [field]: value })).toThrowError(
    expect.objectContaining({
      code: 'invalid-file',
      message: expect.stringContaining(`"${field}"`),
    }),
  )
})

test('refuses what is no object, and checkpoints quantised in other ways', () => {
  expect(() => parseModelConfig(null)).toThrowError(
    expect.objectContaining({ code: 'invalid-file' }),
  )
  const quantised = { ...qwen3, quantization_config: { quant_method: 'bitsandbytes' } }
  expect(() => parseModelConfig(quantised)).toThrowError(
    expect.objectContaining({
      code: 'unsupported-format',
      message: expect.stringMatching(/bitsandbytes.*Choose a GPTQ.*or the original/),
    }),
  )
})

test.each(['starter-model', ...readdirSync('test/fixtures/models').filter((n) => n !== 'starter')])(
  '%s is read',
  (name) => {
    const folder = name === 'starter-model' ? 'demo/public' : 'test/fixtures/models'
    const path = new URL(`../../../${folder}/${name}/config.json`, import.meta.url)
    expect(parseModelConfig(JSON.parse(readFileSync(path, 'utf8'))).numLayers).toBeGreaterThan(0)
  },
)

const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32_768 }
const linear = { rope_type: 'linear', factor: 4 }

// What vLLM's `_get_and_verify_max_len` makes of the same fields in transformers' configurations.
test.each([
  ['nothing', {}, 40_960],
  ['YaRN', { max_position_embeddings: 32_768, rope_scaling: yarn }, 131_072],
  [
    'YaRN of a length that is told already',
    { max_position_embeddings: 131_072, rope_scaling: yarn },
    131_072,
  ],
  [
    'YaRN that names no original length',
    { max_position_embeddings: 4096, rope_scaling: { rope_type: 'yarn', factor: 2.5 } },
    10_240,
  ],
  ['linear scaling', { max_position_embeddings: 16_384, rope_scaling: linear }, 65_536],
  ["Llama 3's scaling", llama3, 131_072],
  [
    'linear scaling in Gemma 3',
    {
      architectures: ['Gemma3ForCausalLM'],
      max_position_embeddings: 131_072,
      rope_scaling: { rope_type: 'linear', factor: 8 },
    },
    131_072,
  ],
  [
    'YaRN in the layers of Olmo 3 that see everything',
    {
      architectures: ['Olmo3ForCausalLM'],
      max_position_embeddings: 8192,
      rope_parameters: {
        full_attention: { ...yarn, original_max_position_embeddings: 8192, factor: 8 },
        sliding_attention: { rope_type: 'default' },
      },
    },
    65_536,
  ],
])('the longest context with %s', (_, change, expected) => {
  expect(parseModelConfig({ ...qwen3, ...change }).contextLength).toBe(expected)
})

test('a window of all positions is one where they are stretched', () => {
  const mistral = {
    ...qwen3,
    architectures: ['MistralForCausalLM'],
    max_position_embeddings: 4096,
    sliding_window: 4096,
  }
  expect(parseModelConfig(mistral).layers[0]?.window).toBe(0)
  expect(parseModelConfig({ ...mistral, rope_scaling: linear }).layers[0]?.window).toBe(4096)
})
