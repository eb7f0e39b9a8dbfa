import { expect, test } from 'vitest'
import { openModelSource } from '../../../src/storage/model-source.ts'
import { filesOf, memoryDirectory } from './memory-directory.ts'
import { memoryServer, type ServerFile } from './memory-server.ts'

const folderURL = 'https://page.test/model/'
const modules = [
  { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
  { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
  { idx: 2, name: '2', path: '2_Dense', type: 'sentence_transformers.models.Dense' },
  { idx: 3, name: '3', path: '../outside', type: 'sentence_transformers.models.Dense' },
  { idx: 4, name: '4', path: '3_Normalize', type: 'sentence_transformers.models.Normalize' },
]
const contents = {
  'config.json': {},
  'tokenizer.json': {},
  'model.safetensors': {},
  'modules.json': modules,
  'sentence_bert_config.json': { max_seq_length: 256 },
  'sentence_roberta_config.json': { max_seq_length: 512 },
  'sentence_xlm-roberta_config.json': { max_seq_length: 128 },
  '1_Pooling/config.json': { pooling: 1 },
  '2_Dense/config.json': { dense: 1 },
  '2_Dense/model.safetensors': { weights: 1 },
}

const openModel = async (root: ReturnType<typeof memoryDirectory> | null, without = '') => {
  const files = new Map<string, ServerFile>(
    Object.entries(contents)
      .filter(([name]) => name !== without)
      .map(([name, json]) => [
        folderURL + name,
        { bytes: new TextEncoder().encode(JSON.stringify(json)), etag: `"${name}"` },
      ]),
  )
  const server = memoryServer(files)
  const open = () =>
    openModelSource(folderURL, { fetch: server.fetch, root, wait: async () => undefined })
  return { ...server, open }
}

test.each(['OPFS', 'no storage'])('with %s: brings the files of modules', async (storage) => {
  const root = storage === 'OPFS' ? memoryDirectory() : null
  const { open, requests } = await openModel(root)
  const source = await open()
  for (const [name, json] of Object.entries(contents)) {
    expect(await source.readJson(name), name).toEqual(json)
  }
  expect(await source.has('3_Normalize/config.json')).toBe(false)
  expect(requests.some(({ url }) => url.includes('outside'))).toBe(false)
  if (!root) return
  // A file system takes no slash in a name.
  expect([...filesOf(root).keys()].join(' ')).toContain('2_Dense~model.safetensors.00000')
  const again = await open()
  expect(await again.readJson('2_Dense/config.json')).toEqual({ dense: 1 })
})

test('looks for no module where there is no modules.json', async () => {
  const { open, requests } = await openModel(null, 'modules.json')
  const source = await open()
  expect(await source.has('1_Pooling/config.json')).toBe(false)
  expect(requests.some(({ url }) => /1_Pooling|sentence_bert/.test(url))).toBe(false)
})
