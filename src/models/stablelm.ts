import type { Architecture } from './architecture.ts'
import { otherModel, readFlag, readNumber, unsupported } from './config-fields.ts'
import { createDecoder } from './decoder.ts'
import { readRotaryDim } from './rope-config.ts'

/** StableLM and StableLM 2: LayerNorm, and RoPE over a quarter of each head. */
export const stablelm: Architecture = {
  name: 'StableLmForCausalLM',
  configure: (json, base) => {
    for (const flag of ['qk_layernorm', 'use_parallel_residual']) {
      if (readFlag(json, flag, false)) {
        throw unsupported(`config.json's ${flag} (StableLM 2 12B) is not supported`, otherModel)
      }
    }
    return {
      norm: 'layer',
      normEps: readNumber(json, 'layer_norm_eps', 1e-5),
      rotaryDim: readRotaryDim(json, base.headDim, 0.25),
      attentionBias: readFlag(json, 'use_qkv_bias', false),
      outputBias: false,
    }
  },
  create: createDecoder,
}
