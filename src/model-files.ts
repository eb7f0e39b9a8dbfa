import { parseGenerationConfig, parseModelConfig } from './models/parse-config.ts'
import type { ModelConfig } from './models/model-config.ts'
import type { ModelSource } from './storage/byte-source.ts'
import { openGguf, openGgufIndex } from './weights/gguf/open-gguf.ts'
import { openSafetensors, type TensorIndex } from './weights/safetensors.ts'

/** What a model's files say, weights apart, in whichever format they are. */
export type ModelFiles = {
  readonly config: ModelConfig
  readonly generation: ReturnType<typeof parseGenerationConfig>
  readonly tokenizerJson: unknown
  readonly tokenizerConfig: unknown
  /** chat_template.jinja; null where the template, if any, is in `tokenizerConfig`. */
  readonly chatTemplate: string | null
  /** How weights that were quantised in the file are best kept on the GPU; null for others. */
  readonly quantization: 'q8' | 'q4' | null
}

const readOptionalJson = async (source: ModelSource, name: string): Promise<unknown> =>
  (await source.has(name)) ? source.readJson(name) : null

const plainTypes = new Set(['F32', 'F16', 'BF16'])
/** Types of at most four and a half bits a weight. */
const isFourBit = (type: string): boolean => /^(Q[2-4]|IQ4)/.test(type)

/** By the type that most quantised bytes have. */
const quantizationOf = (storedBytes: Readonly<Record<string, number>>): 'q8' | 'q4' | null => {
  const quantized = Object.entries(storedBytes).filter(([type]) => !plainTypes.has(type))
  const [most] = quantized.toSorted(([, a], [, b]) => b - a)
  if (!most) return null
  return isFourBit(most[0]) ? 'q4' : 'q8'
}

/**
 * Reads a model's configuration and tokenizer, from a Hugging Face folder or from a GGUF file.
 *
 * @throws EngineError for files that are missing, broken or of a kind that Quire does not run.
 */
export const readModelFiles = async (source: ModelSource): Promise<ModelFiles> => {
  if (source.ggufFile !== null) {
    const gguf = await openGguf(source, source.ggufFile)
    return {
      config: parseModelConfig(gguf.config),
      generation: parseGenerationConfig(gguf.generationConfig),
      tokenizerJson: gguf.tokenizerJson,
      tokenizerConfig: gguf.tokenizerConfig,
      chatTemplate: null,
      quantization: quantizationOf(gguf.storedBytes),
    }
  }
  const [config, generation, tokenizerJson, tokenizerConfig, chatTemplate] = await Promise.all([
    source.readJson('config.json'),
    readOptionalJson(source, 'generation_config.json'),
    source.readJson('tokenizer.json'),
    readOptionalJson(source, 'tokenizer_config.json'),
    source.readText('chat_template.jinja'),
  ])
  return {
    config: parseModelConfig(config),
    generation: parseGenerationConfig(generation),
    tokenizerJson,
    tokenizerConfig: tokenizerConfig ?? {},
    chatTemplate,
    quantization: null,
  }
}

/** The tensors of a model's files; those that GGUF quantised read as F32. */
export const openTensors = (source: ModelSource): Promise<TensorIndex> =>
  source.ggufFile === null ? openSafetensors(source) : openGgufIndex(source, source.ggufFile)
