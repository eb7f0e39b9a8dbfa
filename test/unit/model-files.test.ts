import { expect, it } from 'vitest'
import { openTensors, readModelFiles } from '../../src/model-files.ts'
import { createFolderSource } from '../../src/node/folder-source.ts'

it('reads a Hugging Face folder', async () => {
  const source = createFolderSource('demo/public/starter-model')
  const files = await readModelFiles(source)
  expect(files.config.architecture).toBe('Qwen3ForCausalLM')
  expect(files.quantization).toBeNull()
  expect((await openTensors(source)).has('model.embed_tokens.weight')).toBe(true)
  await source.close()
})

it('reads a GGUF file, and keeps what it quantised in as many bits', async () => {
  const source = createFolderSource('test/fixtures/gguf/mixed.gguf')
  const { config, tokenizerJson, quantization } = await readModelFiles(source)
  expect(config.architecture).toBe('LlamaForCausalLM')
  expect(tokenizerJson).toMatchObject({ model: { type: 'BPE' } })
  expect(quantization).toMatch(/^q[48]$/)
  expect((await openTensors(source)).get('model.layers.0.self_attn.q_proj.weight').dtype).toBe(
    'F32',
  )
  await source.close()
})
