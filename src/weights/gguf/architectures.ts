// What llama.cpp's names and conversions stand for in Hugging Face checkpoints, architecture by
// architecture: one entry here makes a GGUF architecture loadable.
import { EngineError } from '../../errors.ts'
import type { ModelKeys } from './model-keys.ts'

/** Fields of a Hugging Face config.json. */
export type ConfigFields = Readonly<Record<string, unknown>>

export type ModelFacts = {
  readonly keys: ModelKeys
  /** Whether the file has a tensor, by llama.cpp's name. */
  readonly has: (tensor: string) => boolean
  readonly numLayers: number
  readonly hiddenSize: number
  readonly numHeads: number
  readonly headDim: number
}

export type GgufArchitecture = {
  /** `architectures` and `model_type` of config.json. */
  readonly className: string
  readonly modelType: string
  /** Hugging Face's names of the parts of a layer, by llama.cpp's. */
  readonly layerNames: Readonly<Record<string, string>>
  readonly topNames: Readonly<Record<string, string>>
  readonly layerPrefix: string
  /** llama.cpp rotates neighbours, so its converter interleaves the halves of each head of q and k. */
  readonly hasInterleavedRows: boolean
  /** llama.cpp stores RMSNorm weights of Gemma with 1 added. */
  readonly hasShiftedNorms: boolean
  /** Matrices that Hugging Face keeps as [inputs][outputs] (GPT-2's Conv1D). */
  readonly transposed: readonly string[]
  /** Fields that other architectures do not have, or that differ from the common ones. */
  readonly fields: (facts: ModelFacts) => ConfigFields
}

const topNames = { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' }

const llamaLayer = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
}

const expertsLayer = {
  ...llamaLayer,
  ffn_gate_inp: 'mlp.gate',
  ffn_gate_exps: 'mlp.experts.gate_proj',
  ffn_up_exps: 'mlp.experts.up_proj',
  ffn_down_exps: 'mlp.experts.down_proj',
}

const postNormLayer = {
  ...llamaLayer,
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
}

/** Only what is defined: config.json has no undefined, and a null would mean something. */
const defined = (fields: ConfigFields): ConfigFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** Which layers see the whole context: as the file lists them, or every nth where it does not. */
const layerTypes = ({ keys, numLayers }: ModelFacts, every: number): string[] => {
  const sliding = keys.optionalFlags('attention.sliding_window_pattern')
  const isSliding = (layer: number) => sliding?.[layer] ?? (layer + 1) % every !== 0
  return Array.from({ length: numLayers }, (_, layer) =>
    isSliding(layer) ? 'sliding_attention' : 'full_attention',
  )
}

/** A window as wide as the context is none. */
const slidingWindow = ({ keys }: ModelFacts): number | null => {
  const window = keys.optionalNumber('attention.sliding_window') ?? 0
  return window > 0 && window < keys.number('context_length') ? window : null
}

/** Gemma's largest models scale by the width of a head's share, all others by the head size. */
const queryScalar = (facts: ModelFacts, largestNumLayers: number): number => {
  const { numLayers, hiddenSize, numHeads, headDim } = facts
  return numLayers === largestNumLayers ? hiddenSize / numHeads : headDim
}

const refuseExperts = ({ keys }: ModelFacts): ConfigFields => {
  if ((keys.optionalNumber('expert_count') ?? 0) === 0) return {}
  throw new EngineError(
    'unsupported-model',
    `${keys.file} is a mixture of experts (${keys.architecture}), of which Quire reads Qwen3's ` +
      '(qwen3moe) alone from GGUF. Choose that or a dense model.',
    { details: { file: keys.file, architecture: keys.architecture } },
  )
}

const define = (
  className: string,
  modelType: string,
  rest: Partial<GgufArchitecture> = {},
): GgufArchitecture => ({
  className,
  modelType,
  layerNames: llamaLayer,
  topNames,
  layerPrefix: 'model.layers',
  hasInterleavedRows: false,
  hasShiftedNorms: false,
  transposed: [],
  fields: refuseExperts,
  ...rest,
})

const gemma2Fields = (facts: ModelFacts): ConfigFields => ({
  hidden_activation: 'gelu_pytorch_tanh',
  hidden_act: 'gelu_pytorch_tanh',
  attn_logit_softcapping: facts.keys.optionalNumber('attn_logit_softcapping') ?? 50,
  final_logit_softcapping: facts.keys.optionalNumber('final_logit_softcapping') ?? 30,
  sliding_window: facts.keys.optionalNumber('attention.sliding_window') ?? 4096,
  query_pre_attn_scalar: queryScalar(facts, 46),
  layer_types: layerTypes(facts, 2),
})

const gemma3Fields = (facts: ModelFacts): ConfigFields => {
  const pattern = 6
  return {
    hidden_activation: 'gelu_pytorch_tanh',
    attn_logit_softcapping: null,
    final_logit_softcapping: facts.keys.optionalNumber('final_logit_softcapping') ?? null,
    sliding_window: facts.keys.optionalNumber('attention.sliding_window') ?? 4096,
    sliding_window_pattern: pattern,
    query_pre_attn_scalar: queryScalar(facts, 62),
    rope_theta: facts.keys.optionalNumber('rope.freq_base') ?? 1_000_000,
    rope_local_base_freq: facts.keys.optionalNumber('rope.freq_base_swa') ?? 10_000,
    layer_types: layerTypes(facts, pattern),
  }
}

const phi3Fields = (facts: ModelFacts): ConfigFields => ({
  sliding_window: slidingWindow(facts),
  original_max_position_embeddings:
    facts.keys.optionalNumber('rope.scaling.original_context_length') ??
    facts.keys.number('context_length'),
})

/** All layers have experts; llama.cpp brings their shares to a sum of one. */
const qwen3MoeFields = ({ keys }: ModelFacts): ConfigFields => ({
  use_sliding_window: false,
  attention_bias: false,
  num_experts: keys.number('expert_count'),
  num_experts_per_tok: keys.number('expert_used_count'),
  moe_intermediate_size: keys.number('expert_feed_forward_length'),
  norm_topk_prob: keys.optionalFlag('expert_weights_norm') ?? true,
})

/** Every fourth layer has no rotary embedding; llama.cpp keeps the number to itself. */
const smollm3Fields = ({ numLayers }: ModelFacts): ConfigFields => ({
  no_rope_layer_interval: 4,
  no_rope_layers: Array.from({ length: numLayers }, (_, layer) => ((layer + 1) % 4 === 0 ? 0 : 1)),
  use_sliding_window: false,
  attention_bias: false,
})

/** OLMo 3 comes under OLMo 2's name; its window tells them apart. */
const olmo2Fields = (facts: ModelFacts): ConfigFields => {
  const window = slidingWindow(facts)
  if (window === null) return {}
  return {
    architectures: ['Olmo3ForCausalLM'],
    model_type: 'olmo3',
    sliding_window: window,
    layer_types: layerTypes(facts, 4),
  }
}

const graniteFields = (facts: ModelFacts): ConfigFields =>
  defined({
    ...refuseExperts(facts),
    attention_multiplier: facts.keys.optionalNumber('attention.scale'),
    embedding_multiplier: facts.keys.optionalNumber('embedding_scale'),
    residual_multiplier: facts.keys.optionalNumber('residual_scale'),
    logits_scaling: facts.keys.optionalNumber('logit_scale'),
  })

/** Mistral Small 3 comes under the name of Ministral 3, without the scaling of its queries. */
const mistral3Fields = (facts: ModelFacts): ConfigFields => ({
  ...refuseExperts(facts),
  ...(facts.keys.optionalNumber('attention.temperature_scale') === undefined && {
    architectures: ['MistralForCausalLM'],
    model_type: 'mistral',
  }),
})

const stablelmFields = ({ keys, has }: ModelFacts): ConfigFields => {
  if (has('blk.0.attn_q_norm.weight')) {
    throw new EngineError(
      'unsupported-model',
      `${keys.file} normalises each head on its own (StableLM 2 12B), which Quire does not read from ` +
        'GGUF. Choose StableLM 2 1.6B or another model.',
      { details: { file: keys.file } },
    )
  }
  return {
    layer_norm_eps: keys.number('attention.layer_norm_epsilon'),
    use_parallel_residual: keys.optionalFlag('use_parallel_residual') ?? false,
    use_qkv_bias: has('blk.0.attn_q.bias'),
    qk_layernorm: false,
  }
}

const gpt2Fields = ({ keys, numLayers, numHeads, hiddenSize }: ModelFacts): ConfigFields => ({
  n_embd: hiddenSize,
  n_layer: numLayers,
  n_head: numHeads,
  n_inner: keys.number('feed_forward_length'),
  n_positions: keys.number('context_length'),
  n_ctx: keys.number('context_length'),
  layer_norm_epsilon: keys.number('attention.layer_norm_epsilon'),
  activation_function: 'gelu_new',
})

/** The architectures that Quire reads, by `general.architecture`. */
const architectures: Readonly<Record<string, GgufArchitecture>> = {
  llama: define('LlamaForCausalLM', 'llama', {
    hasInterleavedRows: true,
    fields: (facts) => ({
      ...refuseExperts(facts),
      attention_bias: facts.has('blk.0.attn_q.bias'),
      mlp_bias: facts.has('blk.0.ffn_up.bias'),
    }),
  }),
  qwen2: define('Qwen2ForCausalLM', 'qwen2', { fields: () => ({ use_sliding_window: false }) }),
  qwen3: define('Qwen3ForCausalLM', 'qwen3', {
    fields: () => ({ use_sliding_window: false, attention_bias: false }),
  }),
  qwen3moe: define('Qwen3MoeForCausalLM', 'qwen3_moe', {
    layerNames: expertsLayer,
    fields: qwen3MoeFields,
  }),
  mistral3: define('Ministral3ForCausalLM', 'ministral3', {
    hasInterleavedRows: true,
    fields: mistral3Fields,
  }),
  gemma2: define('Gemma2ForCausalLM', 'gemma2', {
    layerNames: postNormLayer,
    hasShiftedNorms: true,
    fields: gemma2Fields,
  }),
  gemma3: define('Gemma3ForCausalLM', 'gemma3_text', {
    layerNames: postNormLayer,
    hasShiftedNorms: true,
    fields: gemma3Fields,
  }),
  phi3: define('Phi3ForCausalLM', 'phi3', {
    layerNames: { ...llamaLayer, attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' },
    fields: phi3Fields,
  }),
  smollm3: define('SmolLM3ForCausalLM', 'smollm3', {
    hasInterleavedRows: true,
    fields: smollm3Fields,
  }),
  olmo2: define('Olmo2ForCausalLM', 'olmo2', { layerNames: postNormLayer, fields: olmo2Fields }),
  granite: define('GraniteForCausalLM', 'granite', {
    hasInterleavedRows: true,
    fields: graniteFields,
  }),
  stablelm: define('StableLmForCausalLM', 'stablelm', { fields: stablelmFields }),
  gpt2: define('GPT2LMHeadModel', 'gpt2', {
    topNames: {
      token_embd: 'transformer.wte',
      position_embd: 'transformer.wpe',
      output_norm: 'transformer.ln_f',
      output: 'lm_head',
    },
    layerPrefix: 'transformer.h',
    layerNames: {
      attn_norm: 'ln_1',
      attn_qkv: 'attn.c_attn',
      attn_output: 'attn.c_proj',
      ffn_norm: 'ln_2',
      ffn_up: 'mlp.c_fc',
      ffn_down: 'mlp.c_proj',
    },
    transposed: ['attn_qkv.weight', 'attn_output.weight', 'ffn_up.weight', 'ffn_down.weight'],
    fields: gpt2Fields,
  }),
}

/** @throws EngineError `unsupported-model` for an architecture that Quire does not read. */
export const ggufArchitectureOf = ({ architecture, file }: ModelKeys): GgufArchitecture => {
  const known = Object.hasOwn(architectures, architecture) ? architectures[architecture] : undefined
  if (known) return known
  const supported = Object.keys(architectures).join(', ')
  throw new EngineError(
    'unsupported-model',
    `${file} holds a model of the architecture ${JSON.stringify(architecture)}, which Quire does not ` +
      `read from GGUF. Choose a model with one of these: ${supported}.`,
    { details: { file, architecture, supported } },
  )
}

/**
 * The Hugging Face name of a tensor, such as `model.layers.3.self_attn.q_proj.weight` for
 * `blk.3.attn_q.weight`; null for one that a Hugging Face checkpoint does not have.
 */
export const huggingFaceName = (name: string, architecture: GgufArchitecture): string | null => {
  const { layerNames, topNames, layerPrefix } = architecture
  const [, layer, part, kind] = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? []
  if (part === undefined) return null
  const names = layer === undefined ? topNames : layerNames
  if (!Object.hasOwn(names, part)) return null
  const own = layer === undefined ? names[part]! : `${layerPrefix}.${layer}.${names[part]!}`
  return `${own}.${kind}`
}
