import { describe, expect, test } from 'vitest'
import { openTensors } from '../../../src/model-files.ts'
import { modelTensors } from '../../../src/models/create-model.ts'
import type { ModelConfig } from '../../../src/models/model-config.ts'
import { parseModelConfig } from '../../../src/models/parse-config.ts'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { openGguf } from '../../../src/weights/gguf/open-gguf.ts'
import type { TensorIndex } from '../../../src/weights/safetensors.ts'
import { readTensor, toFloat32 } from '../../../src/weights/tensor-reader.ts'
import { transposedTensor } from '../../../src/weights/transposed-tensor.ts'

const valuesOf = async (index: TensorIndex, name: string) => {
  const info = index.get(name)
  return { shape: info.shape, values: toFloat32(await readTensor(info), info.dtype) }
}

/** Rows of the transpose of [rows][columns]. */
const columnsOf = (values: Float32Array, columns: number, first: number, count: number) =>
  Array.from({ length: count }, (_, i) => values.filter((_, at) => at % columns === first + i))

const expectKeysFromFile = async (file: TensorIndex, config: ModelConfig) => {
  const { hiddenSize } = config
  const index = modelTensors(file, config)
  const fused = await valuesOf(file, 'transformer.h.1.attn.c_attn.weight')
  const keys = await valuesOf(index, 'model.layers.1.self_attn.k_proj.weight')
  expect(fused.shape).toEqual([hiddenSize, 3 * hiddenSize])
  expect(keys.shape).toEqual([hiddenSize, hiddenSize])
  const wanted = columnsOf(fused.values, 3 * hiddenSize, hiddenSize, hiddenSize)
  expect(keys.values).toEqual(Float32Array.from(wanted.flatMap((row) => [...row])))
  const bias = await valuesOf(file, 'transformer.h.1.attn.c_attn.bias')
  const keyBias = await valuesOf(index, 'model.layers.1.self_attn.k_proj.bias')
  expect(keyBias.values).toEqual(bias.values.slice(hiddenSize, 2 * hiddenSize))
  return index
}

const prefix = 'transformer.'
const withoutPrefix = (index: TensorIndex): TensorIndex => ({
  ...index,
  get: (name) => index.get(prefix + name),
  has: (name) => !name.startsWith(prefix) && index.has(prefix + name),
})

describe('GPT-2', () => {
  test('safetensors: turned over, cut up and named as the decoder asks', async () => {
    const source = createFolderSource('test/fixtures/models/tiny-gpt2')
    const config = parseModelConfig(await source.readJson('config.json'))
    const file = await openTensors(source)
    const index = await expectKeysFromFile(file, config)
    const names = [
      'model.embed_tokens.weight',
      'model.norm.bias',
      'model.layers.0.mlp.up_proj.bias',
    ]
    expect(names.every((name) => index.has(name))).toBe(true)
    expect(index.has('lm_head.weight')).toBe(false)
    const bare = modelTensors(withoutPrefix(file), config)
    const up = 'model.layers.0.mlp.up_proj.weight'
    expect(await valuesOf(bare, up)).toEqual(await valuesOf(index, up))
  })

  test('GGUF: quantised rows stay as they are stored', async () => {
    const source = createFolderSource('test/fixtures/gguf/gpt2.gguf')
    const gguf = await openGguf(source, source.ggufFile!)
    const config = parseModelConfig(gguf.config)
    const index = await expectKeysFromFile(gguf.index, config)
    const packed = (part: string) => index.get(`model.layers.1.${part}.weight`).packed
    expect(packed('self_attn.k_proj')?.format).toBe('q8')
    expect(packed('mlp.down_proj')?.format).toBe('q8')
    const planes = (await packed('self_attn.k_proj')!.read(3, 1)).values
    const row = (await packed('self_attn.q_proj')!.read(3, 1)).values
    const info = gguf.index.get('transformer.h.1.attn.c_attn.weight')
    const stored = transposedTensor(info).packed!
    expect(planes).toEqual((await stored.read(config.hiddenSize + 3, 1)).values)
    expect(planes).not.toEqual(row)
  })
})
