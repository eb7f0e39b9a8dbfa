import { expect, it } from 'vitest'
import { openTensors, readModelFiles } from '../../src/model-files.ts'
import { createFolderSource } from '../../src/node/folder-source.ts'

it('reads a Hugging Face folder', async () => {
  const source = createFolderSource('demo/public/starter-model')
  const files = await readModelFiles(source)
  expect(files.config.architecture).toBe('Qwen3ForCausalLM')
  expect((await openTensors(source)).has('model.embed_tokens.weight')).toBe(true)
  await source.close()
})

it('reads a GGUF file, and keeps what it quantised as it is', async () => {
  const source = createFolderSource('test/fixtures/gguf/mixed.gguf')
  const { config, tokenizerJson } = await readModelFiles(source)
  expect(config.architecture).toBe('LlamaForCausalLM')
  expect(tokenizerJson).toMatchObject({ model: { type: 'BPE' } })
  const { packed } = (await openTensors(source)).get('model.layers.0.self_attn.q_proj.weight')
  expect(packed?.format).toBe('q4_k')
  await source.close()
})

it('finds sampling defaults in config.json where generation_config.json is missing', async () => {
  const folder = createFolderSource('demo/public/starter-model')
  const readWith = async (others: Readonly<Record<string, unknown>>) => {
    const source = {
      ...folder,
      has: async (name: string) => name in others || (!/generation/.test(name) && folder.has(name)),
      readJson: async (name: string) => others[name] ?? folder.readJson(name),
    }
    return (await readModelFiles(source)).generation
  }
  const config = { ...Object(await folder.readJson('config.json')), repetition_penalty: 1.1 }
  const older = { 'config.json': { ...config, eos_token_id: [1, 2] } }
  expect(await readWith(older)).toEqual({
    eosTokenIds: [1, 2],
    defaultSamplingParams: { repetitionPenalty: 1.1 },
  })
  expect(await readWith({ ...older, 'generation_config.json': { top_k: 5 } })).toEqual({
    eosTokenIds: [],
    defaultSamplingParams: { topK: 5 },
  })
  await folder.close()
})
