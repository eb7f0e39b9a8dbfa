import { expect, test } from 'vitest'
import { parseModelConfig } from '../../../src/models/parse-config.ts'
import { qwen3Moe } from '../../../src/models/qwen3-moe.ts'
import type { TensorIndex, TensorInfo } from '../../../src/weights/safetensors.ts'

/** Qwen3-30B-A3B's config.json, as far as it matters here. */
const json = {
  architectures: ['Qwen3MoeForCausalLM'],
  vocab_size: 151_936,
  hidden_size: 2048,
  intermediate_size: 6144,
  num_hidden_layers: 6,
  num_attention_heads: 32,
  num_key_value_heads: 4,
  head_dim: 128,
  max_position_embeddings: 40_960,
  hidden_act: 'silu',
  decoder_sparse_step: 1,
  mlp_only_layers: [],
  moe_intermediate_size: 768,
  norm_topk_prob: true,
  num_experts: 128,
  num_experts_per_tok: 8,
  use_sliding_window: false,
}

test('reads what chooses the experts', () => {
  const config = parseModelConfig(json)
  expect(config.qkNorm).toBe('head')
  expect(config.experts).toEqual({
    numExperts: 128,
    topK: 8,
    intermediateSize: 768,
    hasSumOfOne: true,
    layers: [true, true, true, true, true, true],
  })
})

test('knows the name that transformers 5 gives to the number of experts, and its defaults', () => {
  const { num_experts: _, norm_topk_prob: __, decoder_sparse_step: ___, ...rest } = json
  const { experts } = parseModelConfig({ ...rest, num_local_experts: 64, mlp_only_layers: null })
  expect(experts).toMatchObject({ numExperts: 64, hasSumOfOne: false })
  expect(experts?.layers).toEqual([true, true, true, true, true, true])
})

test('leaves layers dense that are listed, or lie between the sparse ones', () => {
  const { experts } = parseModelConfig({ ...json, decoder_sparse_step: 2, mlp_only_layers: [3] })
  expect(experts?.layers).toEqual([false, true, false, false, false, true])
})

test.each([
  ['num_experts', { num_experts: 0 }],
  ['num_experts_per_tok', { num_experts_per_tok: null }],
  ['moe_intermediate_size', { moe_intermediate_size: 1.5 }],
  ['mlp_only_layers', { mlp_only_layers: 2 }],
  ['norm_topk_prob', { norm_topk_prob: 'yes' }],
])('names %s when it is wrong', (field, wrong) => {
  expect(() => parseModelConfig({ ...json, ...wrong })).toThrow(
    expect.objectContaining({ code: 'invalid-file', details: expect.objectContaining({ field }) }),
  )
})

test('finds an expert in a tensor of all, and on its own where the file has it so', () => {
  const file = { name: 'model', size: 4096, read: async () => new Uint8Array() }
  const tensor = (name: string, shape: readonly number[]): TensorInfo => {
    const byteLength = 4 * shape.reduce((product, size) => product * size, 1)
    return { name, dtype: 'F32', shape, file, offset: 100, byteLength }
  }
  const tensors = [
    tensor('model.layers.0.mlp.experts.up_proj.weight', [3, 4, 8]),
    tensor('model.layers.1.mlp.experts.2.up_proj.weight', [4, 8]),
  ]
  const index: TensorIndex = {
    get: (name) => tensors.find((info) => info.name === name)!,
    has: (name) => tensors.some((info) => info.name === name),
    names: () => tensors.map(({ name }) => name),
    totalBytes: 0,
  }
  const view = qwen3Moe.tensors!(index, parseModelConfig(json))
  expect(view.get('model.layers.0.mlp.experts.2.up_proj.weight')).toMatchObject({
    shape: [4, 8],
    offset: 100 + 2 * 4 * 8 * 4,
    byteLength: 4 * 8 * 4,
  })
  expect(view.get('model.layers.1.mlp.experts.2.up_proj.weight')).toBe(tensors[1])
  expect(() => view.get('model.layers.0.mlp.experts.3.up_proj.weight')).toThrow(/12 rows/)
})
