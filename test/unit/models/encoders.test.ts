import { expect, it } from 'vitest'
import { defaultPooling, onlyEmbeds } from '../../../src/models/create-model.ts'
import { parseModelConfig } from '../../../src/models/parse-config.ts'

const bert = {
  architectures: ['BertModel'],
  vocab_size: 30522,
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
}
const modernBert = {
  ...bert,
  architectures: ['ModernBertModel'],
  max_position_embeddings: 8192,
  hidden_activation: 'gelu',
  global_attn_every_n_layers: 3,
  local_attention: 128,
  global_rope_theta: 160_000,
  local_rope_theta: 10_000,
}
const gemma = {
  ...bert,
  architectures: ['Gemma3TextModel'],
  num_attention_heads: 3,
  num_key_value_heads: 1,
  head_dim: 256,
  max_position_embeddings: 2048,
  hidden_act: undefined,
  hidden_activation: 'gelu_pytorch_tanh',
  sliding_window: 512,
  use_bidirectional_attention: true,
}

it('reads BERT: no rotary positions, all see all', () => {
  const config = parseModelConfig(bert)
  expect(config).toMatchObject({ normEps: 1e-12, activation: 'gelu', causal: false })
  expect(config.layers[5]).toEqual({ window: 0, rope: null })
  expect(config.maxPositionEmbeddings).toBe(512)
  expect(onlyEmbeds(config)).toBe(true)
  expect(defaultPooling(config)).toBe('cls')
})

it('counts the positions of RoBERTa from behind the padding token', () => {
  const xlm = { ...bert, architectures: ['XLMRobertaModel'], max_position_embeddings: 514 }
  expect(parseModelConfig({ ...xlm, pad_token_id: 1 }).maxPositionEmbeddings).toBe(512)
})

it('reads ModernBERT: a window to both sides in two layers of three, and its own angles there', () => {
  const config = parseModelConfig(modernBert)
  const [global, local] = [
    { window: 0, rope: 0 },
    { window: 65, rope: 1 },
  ]
  expect(config.layers).toEqual([global, local, local, global, local, local])
  expect(config.ropes.map(({ theta }) => theta)).toEqual([160_000, 10_000])
  expect(config).toMatchObject({ causal: false, normEps: 1e-5 })
})

it('reads EmbeddingGemma: half its window to each side', () => {
  const config = parseModelConfig(gemma)
  expect(config.layers.map(({ window }) => window)).toEqual([257, 257, 257, 257, 257, 0])
  expect(config.causal).toBe(false)
  expect(defaultPooling(config)).toBe('mean')
  const generating = { ...gemma, architectures: ['Gemma3ForCausalLM'] }
  const causal = parseModelConfig({ ...generating, use_bidirectional_attention: false })
  expect(causal.layers[0]?.window).toBe(512)
  expect(onlyEmbeds(causal)).toBe(false)
})

it.each([
  [{ ...bert, position_embedding_type: 'relative_key' }, /Positions of the type "relative_key"/],
  [{ ...modernBert, norm_bias: true }, /norm_bias is not supported for ModernBERT/],
  [
    { ...bert, architectures: ['RobertaModel'], pad_token_id: 511 },
    /"max_position_embeddings" is 512, expected more than 512/,
  ],
  [{ ...bert, hidden_act: 'relu' }, /activation "relu"/],
])('refuses what it does not run (%#)', (json, message) => {
  expect(() => parseModelConfig(json)).toThrow(message)
})

it('embeds with no network that it only knows to generate with', () => {
  const stablelm = { ...bert, architectures: ['StableLmForCausalLM'], hidden_act: 'silu' }
  const config = parseModelConfig(stablelm)
  expect(() => defaultPooling(config)).toThrow(
    'Quire does not embed texts with StableLmForCausalLM',
  )
})
