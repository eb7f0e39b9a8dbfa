import { expect, test } from 'vitest'
import { openTensors } from '../../../src/model-files.ts'
import { modelTensors } from '../../../src/models/create-model.ts'
import { parseModelConfig } from '../../../src/models/parse-config.ts'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import type { TensorIndex } from '../../../src/weights/safetensors.ts'

const source = createFolderSource('test/fixtures/models/tiny-mistral3')
const config = parseModelConfig(await source.readJson('config.json'))
const older = await openTensors(source)

/** As transformers 5 names the parts of the model in memory. */
const newer: TensorIndex = {
  ...older,
  get: (name) => older.get(name.replace('model.language_model.', 'language_model.model.')),
  has: (name) =>
    name.startsWith('model.language_model.') &&
    older.has(name.replace('model.language_model.', 'language_model.model.')),
}

test.each([
  ['older', older],
  ['newer', newer],
])('finds the text model in the %s layout', (_, file) => {
  const index = modelTensors(file, config)
  const layer = 'layers.1.self_attn.q_proj.weight'
  expect(index.get(`model.${layer}`)).toBe(older.get(`language_model.model.${layer}`))
  const table = older.get('language_model.model.embed_tokens.weight')
  expect(index.get('model.embed_tokens.weight')).toBe(table)
  expect(index.get('lm_head.weight')).toBe(table)
})

test('a head of its own comes before the embeddings', () => {
  const head = { ...older.get('language_model.model.embed_tokens.weight'), name: 'head' }
  const own = 'language_model.lm_head.weight'
  const file: TensorIndex = {
    ...older,
    get: (name) => (name === own ? head : older.get(name)),
    has: (name) => name === own || older.has(name),
  }
  expect(modelTensors(file, config).get('lm_head.weight')).toBe(head)
})
