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
