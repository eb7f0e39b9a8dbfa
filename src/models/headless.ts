import type { Architecture } from './architecture.ts'
import { decoderEmbedding } from './decoder.ts'
import { gemma3 } from './gemma.ts'
import { llama } from './llama.ts'
import { mistral } from './mistral.ts'
import { qwen2, qwen3 } from './qwen.ts'

/** A decoder that was saved without its language-model head can only embed. */
const headless = (name: string, of: Architecture): Architecture => ({
  name,
  configure: of.configure,
  embed: of.embed ?? decoderEmbedding,
})

export const llamaModel = headless('LlamaModel', llama)
export const mistralModel = headless('MistralModel', mistral)
export const qwen2Model = headless('Qwen2Model', qwen2)
export const qwen3Model = headless('Qwen3Model', qwen3)
/** EmbeddingGemma, whose config.json says that attention goes both ways. */
export const gemma3TextModel = headless('Gemma3TextModel', gemma3)
