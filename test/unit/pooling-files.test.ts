import { expect, test } from 'vitest'
import { parseModelConfig } from '../../src/models/parse-config.ts'
import { createFolderSource } from '../../src/node/folder-source.ts'
import { readPooling } from '../../src/pooling-files.ts'

const folder = createFolderSource('test/fixtures/embedding-models/tiny-bert')

const readWith = async (others: Readonly<Record<string, unknown>>) => {
  const source = {
    ...folder,
    has: async (name: string) => name in others || folder.has(name),
    readJson: async (name: string) => others[name] ?? folder.readJson(name),
  }
  return readPooling(source, parseModelConfig(await folder.readJson('config.json')))
}

test.each([
  'sentence_bert_config.json',
  'sentence_roberta_config.json',
  'sentence_xlm-roberta_config.json',
])('takes what sentence-transformers says in %s', async (name) => {
  const settings = { max_seq_length: 24, do_lower_case: true }
  expect(await readWith({ [name]: settings })).toMatchObject({ maxTokens: 24, lowersCase: true })
})

test('takes the limit of the tokenizer where there are no settings', async () => {
  const config = {
    ...Object(await folder.readJson('config.json')),
    position_embedding_type: 'absolute',
  }
  const files = { 'config.json': config, 'tokenizer_config.json': { model_max_length: 20 } }
  expect(await readWith(files)).toMatchObject({ maxTokens: 20, lowersCase: false })
  expect(await readWith({})).toMatchObject({ maxTokens: null })
})
