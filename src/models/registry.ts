import type { Architecture } from './architecture.ts'
import {
  bert,
  bertForMaskedLm,
  roberta,
  robertaForMaskedLm,
  xlmRoberta,
  xlmRobertaForMaskedLm,
} from './bert.ts'
import { exaone4 } from './exaone4.ts'
import { gemma2, gemma3 } from './gemma.ts'
import { gpt2 } from './gpt2.ts'
import { granite, graniteHybrid } from './granite.ts'
import { gemma3TextModel, llamaModel, mistralModel, qwen2Model, qwen3Model } from './headless.ts'
import { llama } from './llama.ts'
import { ministral3, mistral, mistral3 } from './mistral.ts'
import { modernBert, modernBertForMaskedLm } from './modern-bert.ts'
import { olmo2, olmo3 } from './olmo.ts'
import { phi3 } from './phi3.ts'
import { qwen2, qwen3 } from './qwen.ts'
import { qwen3Moe } from './qwen3-moe.ts'
import { smollm3 } from './smollm3.ts'
import { stablelm } from './stablelm.ts'

/** Every architecture that Quire runs. */
export const architectures: readonly Architecture[] = [
  llama,
  mistral,
  ministral3,
  mistral3,
  qwen2,
  qwen3,
  qwen3Moe,
  smollm3,
  granite,
  graniteHybrid,
  gemma2,
  gemma3,
  olmo2,
  olmo3,
  phi3,
  stablelm,
  gpt2,
  exaone4,
  bert,
  bertForMaskedLm,
  roberta,
  robertaForMaskedLm,
  xlmRoberta,
  xlmRobertaForMaskedLm,
  modernBert,
  modernBertForMaskedLm,
  llamaModel,
  mistralModel,
  qwen2Model,
  qwen3Model,
  gemma3TextModel,
]
