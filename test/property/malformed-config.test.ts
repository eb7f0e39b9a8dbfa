import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseGenerationConfig } from '../../src/generation-config.ts'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import { architectures } from '../../src/models/registry.ts'
import { ropeTable } from '../../src/models/rope.ts'
import { parseJsonFile } from '../../src/storage/byte-source.ts'
import { damagedJson, tryMalformed } from './malformed.ts'

const folder = new URL('../fixtures/models/', import.meta.url)

const configs = readdirSync(folder)
  .filter((name) => name.startsWith('tiny-'))
  .map((name) => readFileSync(new URL(`${name}/config.json`, folder), 'utf8'))

const scalings = [
  { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
  { rope_type: 'yarn', factor: 4, beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1 },
  { type: 'linear', factor: 2 },
  { type: 'longrope', short_factor: [1, 1, 1, 1], long_factor: [2, 2, 4, 4] },
]
const [llama = ''] = configs.filter((text) => text.includes('"LlamaForCausalLM"'))
const stretched = scalings.map((rope_scaling) => {
  const { rope_parameters: _, ...fields } = JSON.parse(llama)
  return JSON.stringify({ ...fields, rope_theta: 500_000, head_dim: 8, rope_scaling })
})

const generation = JSON.stringify({
  eos_token_id: [1, 2],
  bos_token_id: 0,
  temperature: 0.6,
  top_k: 20,
  top_p: 0.95,
  max_new_tokens: 100,
})

const words = [
  architectures.map(({ name }) => JSON.stringify([name])),
  ['"linear"', '"llama3"', '"yarn"', '"longrope"', '"su"', '"default"', '"silu"', '"gelu_new"'],
  ['"full_attention"', '"sliding_attention"', '{"quant_method":"gptq"}', '[1,2,4,8]'],
].flat()

/** What an engine makes of it before it sees a weight: the layers and the tables of angles. */
const useConfig = (json: unknown): void => {
  const config = parseModelConfig(json)
  const { layers, numLayers, ropes, rotaryDim, maxPositionEmbeddings } = config
  if (layers.length !== numLayers) throw new Error(`${layers.length} layers of ${numLayers}`)
  for (const [at, rope] of ropes.entries()) {
    const table = ropeTable(rope, rotaryDim, Math.min(maxPositionEmbeddings, 8))
    if (!table.every(Number.isFinite)) throw new Error(`rope ${at} is not finite`)
  }
  for (const { window, rope } of layers) {
    if (!Number.isSafeInteger(window) || (rope !== null && !ropes[rope])) throw new Error('layer')
  }
  const numbers = Object.values(config).filter((value) => typeof value === 'number')
  if (!numbers.every(Number.isFinite)) throw new Error('a number is not finite')
}

const decode = (bytes: Uint8Array, name: string): unknown =>
  parseJsonFile(name, 'test', new TextDecoder().decode(bytes))

test('a damaged config.json can be planned with, or is refused with a code', async () => {
  const inputs = damagedJson([...configs, ...stretched], words)
  const outcomes = await tryMalformed(0.2, inputs, (bytes) =>
    useConfig(decode(bytes, 'config.json')),
  )
  expect(Object.keys(outcomes).toSorted()).toEqual([
    'invalid-file',
    'loaded',
    'unsupported-format',
    'unsupported-model',
  ])
  // Or the damage would never have reached what is read, or would always have been too much.
  expect(outcomes['loaded']).toBeGreaterThan(0.05)
  expect(outcomes['invalid-file']).toBeGreaterThan(0.1)
})

test('a damaged generation_config.json gives parameters, or is refused with a code', async () => {
  const outcomes = await tryMalformed(0.05, damagedJson([generation], words), (bytes) => {
    const found = parseGenerationConfig(decode(bytes, 'generation_config.json'))
    if (!found.eosTokenIds.every((id) => Number.isSafeInteger(id) && id >= 0)) throw new Error('id')
    const numbers = Object.values(found.defaultSamplingParams)
    if (!numbers.every(Number.isFinite)) throw new Error('a parameter is not finite')
  })
  expect(Object.keys(outcomes).toSorted()).toEqual(['invalid-file', 'loaded'])
  expect(outcomes['loaded']).toBeGreaterThan(0.25)
})
