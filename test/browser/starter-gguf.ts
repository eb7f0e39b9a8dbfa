import { readSafetensorsHeader } from '../../src/weights/safetensors.ts'
import { blobByteSource } from '../../src/storage/byte-source.ts'
import { buildGguf, type BuiltTensor } from '../unit/weights/gguf/build-gguf.ts'

type TokenizerJson = {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>
    readonly merges: readonly (readonly [string, string])[]
  }
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[]
}

type Config = Readonly<Record<string, number>>

const parts: readonly (readonly [string, string])[] = [
  ['model.embed_tokens', 'token_embd'],
  ['model.norm', 'output_norm'],
  ['model.layers', 'blk'],
  ['self_attn.o_proj', 'attn_output'],
  ['self_attn.', 'attn_'],
  ['_proj', ''],
  ['input_layernorm', 'attn_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['mlp.', 'ffn_'],
]

const ggufName = (name: string): string =>
  parts.reduce((renamed, [from, to]) => renamed.replace(from, to), name)

const f16 = 1

const readTensors = async (weights: Blob): Promise<BuiltTensor[]> => {
  const infos = await readSafetensorsHeader(blobByteSource('model.safetensors', weights))
  return Promise.all(
    infos.map(async ({ name, shape, file, offset, byteLength }) => ({
      name: ggufName(name),
      type: f16,
      dimensions: shape.toReversed().map(BigInt),
      bytes: await file.read(offset, byteLength),
    })),
  )
}

const vocabularyOf = ({ model, added_tokens: added }: TokenizerJson, size: number) => {
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`)
  const types = tokens.map(() => 5)
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = token
    types[id] = 1
  }
  for (const { id, content } of added) {
    tokens[id] = content
    types[id] = 3
  }
  return { tokens, types }
}

/** The starter model as a GGUF file. Its rules for cutting text up have no name there and are lost. */
export const starterGguf = async (folder: string): Promise<File> => {
  const json = async (name: string) => (await fetch(folder + name)).json()
  const config = (await json('config.json')) as Config
  const tokenizer = (await json('tokenizer.json')) as TokenizerJson
  const weights = await (await fetch(`${folder}model.safetensors`)).blob()
  const { tokens, types } = vocabularyOf(tokenizer, config['vocab_size']!)
  const size = (name: string) => ({ uint32: config[name]! })
  const bytes = buildGguf({
    tensors: await readTensors(weights),
    metadata: [
      ['general.architecture', { string: 'qwen3' }],
      ['qwen3.block_count', size('num_hidden_layers')],
      ['qwen3.context_length', size('max_position_embeddings')],
      ['qwen3.embedding_length', size('hidden_size')],
      ['qwen3.feed_forward_length', size('intermediate_size')],
      ['qwen3.attention.head_count', size('num_attention_heads')],
      ['qwen3.attention.head_count_kv', size('num_key_value_heads')],
      ['qwen3.attention.key_length', size('head_dim')],
      ['qwen3.attention.value_length', size('head_dim')],
      ['qwen3.attention.layer_norm_rms_epsilon', { float32: config['rms_norm_eps']! }],
      ['qwen3.rope.freq_base', { float32: config['rope_theta']! }],
      ['tokenizer.ggml.model', { string: 'gpt2' }],
      ['tokenizer.ggml.tokens', { array: tokens.map((string) => ({ string })) }],
      ['tokenizer.ggml.token_type', { array: types.map((int32) => ({ int32 })) }],
      [
        'tokenizer.ggml.merges',
        { array: tokenizer.model.merges.map((pair) => ({ string: pair.join(' ') })) },
      ],
      ['tokenizer.ggml.eos_token_id', { uint32: config['eos_token_id']! }],
    ],
  })
  return new File([bytes], 'starter.gguf')
}
