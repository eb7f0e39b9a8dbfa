import { type ByteSource, checkRange, type ModelSource } from '../../src/storage/byte-source.ts'
import type { Directory } from '../../src/storage/directory.ts'
import { createFileSource } from '../../src/storage/file-source.ts'
import { openStoredFiles, sha256Hex } from '../../src/storage/stored-file.ts'
import { memoryDirectory } from './storage/memory-directory.ts'
import { buildGguf } from './weights/gguf/build-gguf.ts'

/** The fields of a Qwen3 config.json that sizes follow from. */
export type SyntheticShape = {
  readonly vocab_size: number
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly max_position_embeddings: number
  readonly tie_word_embeddings: boolean
}

/** https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json */
export const qwen3Small: SyntheticShape = {
  vocab_size: 151_936,
  hidden_size: 1024,
  intermediate_size: 3072,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  max_position_embeddings: 40_960,
  tie_word_embeddings: true,
}

const configOf = (shape: SyntheticShape) => ({
  ...shape,
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  torch_dtype: 'bfloat16',
  attention_bias: false,
  eos_token_id: 0,
})

const shapesOf = (shape: SyntheticShape): [string, number[]][] => {
  const { hidden_size: hidden, intermediate_size: inner, head_dim: head } = shape
  const queries = shape.num_attention_heads * head
  const keys = shape.num_key_value_heads * head
  const layers = Array.from({ length: shape.num_hidden_layers }, (_, layer) => {
    const inLayer: [string, number[]][] = [
      ['input_layernorm', [hidden]],
      ['self_attn.q_proj', [queries, hidden]],
      ['self_attn.k_proj', [keys, hidden]],
      ['self_attn.v_proj', [keys, hidden]],
      ['self_attn.q_norm', [head]],
      ['self_attn.k_norm', [head]],
      ['self_attn.o_proj', [hidden, queries]],
      ['post_attention_layernorm', [hidden]],
      ['mlp.gate_proj', [inner, hidden]],
      ['mlp.up_proj', [inner, hidden]],
      ['mlp.down_proj', [hidden, inner]],
    ]
    return inLayer.map(([name, size]): [string, number[]] => [
      `model.layers.${layer}.${name}.weight`,
      size,
    ])
  })
  return [
    ['model.embed_tokens.weight', [shape.vocab_size, hidden]],
    ...layers.flat(),
    ['model.norm.weight', [hidden]],
    ...(shape.tie_word_embeddings
      ? []
      : [['lm_head.weight', [shape.vocab_size, hidden]] satisfies [string, number[]]]),
  ]
}

const headerOf = (shape: SyntheticShape, dtype: 'BF16' | 'F32'): Uint8Array => {
  const elementBytes = dtype === 'BF16' ? 2 : 4
  let end = 0
  const entries = shapesOf(shape).map(([name, size]) => {
    const start = end
    end += size.reduce((product, count) => product * count, elementBytes)
    return [name, { dtype, shape: size, data_offsets: [start, end] }] as const
  })
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const header = new Uint8Array(8 + json.length)
  new DataView(header.buffer).setBigUint64(0, BigInt(json.length), true)
  header.set(json, 8)
  return header
}

const dataBytes = (shape: SyntheticShape, elementBytes: number): number =>
  shapesOf(shape)
    .map(([, size]) => size.reduce((product, count) => product * count, elementBytes))
    .reduce((sum, bytes) => sum + bytes, 0)

/** 224 MiB of bf16 in a few matrices, the largest of 152 MiB. */
export const largeMatrices: SyntheticShape = {
  vocab_size: 38_912,
  hidden_size: 2048,
  intermediate_size: 4096,
  num_hidden_layers: 1,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
}

const bytesSource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.length,
  read: async (offset, length) => bytes.slice(offset, offset + length),
})

const chunkBytes = 16 * 2 ** 20

const readChunk = async (file: ByteSource, start: number, end: number) =>
  new Uint8Array(await file.read(start, Math.min(end, file.size) - start))

/** A part of a file as a Blob that makes its bytes when it is read: one of memory would hold them. */
const lazyBlob = (file: ByteSource, start: number, end: number): Blob =>
  Object.defineProperties(new Blob(), {
    size: { value: Math.min(end, file.size) - start },
    arrayBuffer: { value: async () => (await readChunk(file, start, end)).buffer },
    slice: { value: (from: number, to: number) => lazyBlob(file, start + from, start + to) },
  })

const refetch = () => Promise.reject(new Error('no chunk is broken'))

/** A file as OPFS holds it after a download, in chunks with their hashes. */
const storedFile = async (file: ByteSource, watched: ByteSource): Promise<ByteSource> => {
  const chunkHashes: string[] = []
  for (let start = 0; start < file.size; start += chunkBytes) {
    chunkHashes.push(await sha256Hex(await readChunk(file, start, start + chunkBytes)))
  }
  const folder: Directory = {
    ...memoryDirectory(),
    getFileHandle: async (name) => {
      const start = Number(name.slice(-5)) * chunkBytes
      return {
        getFile: async () => lazyBlob(watched, start, start + chunkBytes),
        createWritable: () => Promise.reject(new Error('nothing is written')),
      }
    },
  }
  const { name, size } = file
  const entry = { name, url: '', size, version: null, chunkBytes, chunkHashes }
  return openStoredFiles(folder, [entry], refetch)[0]!
}

const zerosFile = (name: string, header: Uint8Array, size: number): ByteSource => {
  const file: ByteSource = {
    name,
    size,
    read: async (offset, length) => {
      checkRange(file, offset, length)
      const bytes = new Uint8Array(length)
      bytes.set(header.subarray(offset, offset + length))
      return bytes
    },
  }
  return file
}

const watch = (file: ByteSource, onRead?: (bytes: Uint8Array) => void): ByteSource => ({
  ...file,
  read: async (offset, length) => {
    const bytes = await file.read(offset, length)
    onRead?.(bytes)
    return bytes
  },
})

/**
 * A model of a real one's shape without its bytes: headers are true, weights are zeros, made anew at
 * each read.
 *
 * @param options.isStored Weights are read as from OPFS, chunk by chunk.
 * @param options.onRead Called when bytes of the weights' file have been made.
 */
export const syntheticSource = (
  shape: SyntheticShape,
  options: {
    readonly dtype?: 'BF16' | 'F32'
    readonly isStored?: boolean
    readonly onRead?: (bytes: Uint8Array) => void
  } = {},
): ModelSource => {
  const { dtype = 'BF16', isStored = false, onRead } = options
  const header = headerOf(shape, dtype)
  const size = header.length + dataBytes(shape, dtype === 'BF16' ? 2 : 4)
  const file = zerosFile('model.safetensors', header, size)
  const watched = watch(file, onRead)
  const config = new TextEncoder().encode(JSON.stringify(configOf(shape)))
  return createFileSource(
    { id: 'synthetic', ggufFile: null, place: 'synthetic/' },
    new Map([
      ['config.json', async () => bytesSource('config.json', config)],
      [file.name, async () => (isStored ? storedFile(file, watched) : watched)],
    ]),
  )
}

const ggufParts: readonly (readonly [string, string])[] = [
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
  ggufParts.reduce((renamed, [from, to]) => renamed.replace(from, to), name)

/** The same as a GGUF file: matrices in Q4_K, norms in F32. */
export const syntheticGguf = (
  shape: SyntheticShape,
  onRead: (bytes: Uint8Array) => void,
): Pick<ModelSource, 'open'> => {
  let end = 0
  const tensors = shapesOf(shape).map(([name, size]) => {
    const elements = size.reduce((product, count) => product * count, 1)
    const isMatrix = size.length === 2
    const offset = BigInt(end)
    end += Math.ceil((isMatrix ? (elements / 256) * 144 : elements * 4) / 32) * 32
    const dimensions = size.toReversed().map(BigInt)
    return {
      name: ggufName(name),
      type: isMatrix ? 12 : 0,
      dimensions,
      bytes: new Uint8Array(),
      offset,
    }
  })
  const header = buildGguf({
    tensors,
    metadata: [
      ['general.architecture', { string: 'qwen3' }],
      ['qwen3.attention.head_count', { uint32: shape.num_attention_heads }],
      ['qwen3.attention.head_count_kv', { uint32: shape.num_key_value_heads }],
    ],
  })
  const file = zerosFile('model.gguf', header, header.length + end)
  return { open: async () => watch(file, onRead) }
}
