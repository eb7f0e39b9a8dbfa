import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseModelConfig } from '../../../../src/models/parse-config.ts'
import { architectures } from '../../../../src/models/registry.ts'
import { type GgufModel, openGguf, openGgufIndex } from '../../../../src/weights/gguf/open-gguf.ts'
import { readGgufFile } from '../../../../src/weights/gguf/gguf-file.ts'
import { dequantize, quantize } from '../../../../src/weights/quantization.ts'
import type { TensorInfo } from '../../../../src/weights/safetensors.ts'
import { readTensorPieces, toFloat32 } from '../../../../src/weights/tensor-reader.ts'
import { filesSource, ggufSource } from './build-gguf.ts'

type Fixture = {
  /** The config.json of the model that was converted. */
  readonly config: Readonly<Record<string, unknown>>
  /** Of the values that the `gguf` package reads back. */
  readonly tensors: Readonly<Record<string, { readonly shape: number[]; readonly sha256: string }>>
}

const folder = new URL('../../../fixtures/gguf/', import.meta.url)
const readFixture = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)))
const fixtures = JSON.parse(new TextDecoder().decode(readFixture('models.json'))) as Record<
  string,
  Fixture
>

const sourceOf = (name: string) => filesSource({ [`${name}.gguf`]: readFixture(`${name}.gguf`) })
const open = (name: string): Promise<GgufModel> => openGguf(sourceOf(name), `${name}.gguf`)

/** Read as the weight loader does, `rows` rows at a time. */
const readValues = async (info: TensorInfo, rows: number): Promise<Float32Array> => {
  const rowBytes = info.byteLength / (info.shape.length > 1 ? info.shape[0]! : 1)
  const pieces = readTensorPieces(info, { rowBytes, maxPieceBytes: rows * rowBytes })
  const values = new Float32Array(info.shape.reduce((product, size) => product * size, 1))
  let at = 0
  for await (const { bytes } of pieces) {
    const part = toFloat32(bytes, info.dtype)
    values.set(part, at)
    at += part.length
  }
  return values
}

const hashOf = (values: Float32Array): string =>
  createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 32)

describe.each(Object.entries(fixtures))('%s', (name, { config: original, tensors }) => {
  test('has the tensors of the Hugging Face checkpoint', async () => {
    const { index } = await open(name)
    expect(index.names().toSorted()).toEqual(Object.keys(tensors).toSorted())
    const found: Record<string, { shape: readonly number[]; sha256: string }> = {}
    for (const rows of [3, 1000]) {
      for (const tensor of Object.keys(tensors)) {
        const info = index.get(tensor)
        found[tensor] = { shape: info.shape, sha256: hashOf(await readValues(info, rows)) }
      }
      expect(found).toEqual(tensors)
    }
    const infos = index.names().map((tensor) => index.get(tensor))
    const sizes = infos.map(({ byteLength, storedBytes }) => storedBytes ?? byteLength)
    expect(index.totalBytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    expect(Math.max(...infos.map(({ byteLength }, i) => byteLength / sizes[i]!))).toBeGreaterThan(6)
  })

  test('has the fields of its config.json', async () => {
    const { config } = await open(name)
    const fieldsElsewhere = new Set(['rope_theta', 'rope_scaling', 'eos_token_id', 'head_dim'])
    for (const [field, value] of Object.entries(config)) {
      if (fieldsElsewhere.has(field) || !(field in original)) continue
      expect([field, value]).toEqual([field, original[field]])
    }
    expect(config['eos_token_id']).toEqual([original['eos_token_id']])
  })

  const [className] = original['architectures'] as string[]
  test.runIf(architectures.some((known) => known.name === className))(
    'reads as the same configuration as its config.json',
    async () => {
      const { config } = await open(name)
      const fromGguf = parseModelConfig(config)
      const fromHub = parseModelConfig(original)
      expect(fromGguf).toEqual({ ...fromHub, torchDtype: null })
    },
  )
})

test('factors of longrope come from their tensors', async () => {
  const { config } = await open('phi3')
  expect(config).toMatchObject({
    partial_rotary_factor: 0.75,
    original_max_position_embeddings: 128,
    rope_scaling: {
      rope_type: 'longrope',
      short_factor: [1, 1.05, 1.5],
      long_factor: [1, 2.75, 12.5],
      original_max_position_embeddings: 128,
    },
  })
})

test('StableLM keeps its layer norms and its part of rotated channels', async () => {
  const { config } = await open('stablelm')
  expect(config).toMatchObject({ partial_rotary_factor: 0.25, use_qkv_bias: true })
})

test('opens the tensors alone', async () => {
  const { index } = await open('llama')
  const again = await openGgufIndex(sourceOf('llama'), 'llama.gguf')
  expect(again.names()).toEqual(index.names())
  const name = 'model.layers.1.self_attn.q_proj.weight'
  const [first, second] = await Promise.all(
    [index, again].map((from) => readValues(from.get(name), 7)),
  )
  expect(second).toEqual(first)
})

test('a tensor that is missing, and one that is asked for by the name of the file', async () => {
  const { index } = await open('llama')
  expect(index.has('blk.0.attn_q.weight')).toBe(false)
  expect(() => index.get('model.layers.9.mlp.up_proj.weight')).toThrow(
    expect.objectContaining({
      code: 'invalid-file',
      message: expect.stringMatching(/no tensor for model\.layers\.9\.mlp\.up_proj\.weight/),
    }),
  )
})

/** Quire's formats have the blocks of ggml's, and a quantiser makes use of the whole range of each. */
test.each([
  ['Q8_0', 'q8'],
  ['Q4_0', 'q4'],
] as const)('%s tensors become %s without loss', async (typeName, format) => {
  const { tensors } = await readGgufFile(ggufSource(readFixture('qwen2.gguf')))
  const ofType = tensors.filter(({ type }) => type.name === typeName)
  expect(ofType.length).toBeGreaterThan(0)
  for (const { type, shape, file, offset, byteLength } of ofType) {
    const [rows, columns] = [shape[0]!, shape[1]!]
    const values = new Float32Array(rows * columns)
    type.dequantize(await file.read(offset, byteLength), values)
    const planes = quantize(format, values, rows, columns)
    expect(hashOf(dequantize(format, planes, rows, columns))).toBe(hashOf(values))
  }
})
