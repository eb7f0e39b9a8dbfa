import type { Architecture } from './architecture.ts'
import { gemma2, gemma3 } from './gemma.ts'
import { granite } from './granite.ts'
import { llama } from './llama.ts'
import { mistral } from './mistral.ts'
import { olmo2, olmo3 } from './olmo.ts'
import { phi3 } from './phi3.ts'
import { qwen2, qwen3 } from './qwen.ts'
import { smollm3 } from './smollm3.ts'

/** Every architecture that Quire runs. */
export const architectures: readonly Architecture[] = [
  llama,
  mistral,
  qwen2,
  qwen3,
  smollm3,
  granite,
  gemma2,
  gemma3,
  olmo2,
  olmo3,
  phi3,
]
