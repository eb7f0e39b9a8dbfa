import { createLlama } from './llama.ts'
import type { Architecture } from './model-config.ts'
import type { CreateModel } from './model.ts'

/** config.json's `architectures[0]` to the network that runs it. */
export const models: Readonly<Record<Architecture, CreateModel>> = {
  LlamaForCausalLM: createLlama,
  MistralForCausalLM: createLlama,
  Qwen2ForCausalLM: createLlama,
  Qwen3ForCausalLM: createLlama,
}
