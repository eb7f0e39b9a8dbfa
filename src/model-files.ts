import { parseGenerationConfig } from './generation-config.ts'
import type { ModelConfig } from './models/model-config.ts'
import { parseModelConfig } from './models/parse-config.ts'
import type { PoolingConfig } from './models/pooling-config.ts'
import { poolingTensors, readPooling } from './pooling-files.ts'
import type { ModelSource } from './storage/byte-source.ts'
import { readTokenizerConfig } from './tokenizer-files.ts'
import { openGguf, openGgufIndex } from './weights/gguf/open-gguf.ts'
import { openSafetensors, type TensorIndex } from './weights/safetensors.ts'

/** What says how large a model is: its configuration, and its tensors without their bytes. */
export type ModelOutline = {
  readonly config: ModelConfig
  readonly tensors: TensorIndex
  /** How the model embeds texts; null for one that generates. */
  readonly pooling: PoolingConfig | null
}

/** What a model's files say, weights apart, in whichever format they are. */
export type ModelFiles = ModelOutline & {
  readonly generation: ReturnType<typeof parseGenerationConfig>
  readonly tokenizerJson: unknown
  /** tokenizer_config.json, with what other files add to it. */
  readonly tokenizerConfig: unknown
}

/** As transformers: where there is no generation_config.json, its fields may stand in config.json. */
const readGeneration = async (source: ModelSource): Promise<ModelFiles['generation']> => {
  const hasOwn = await source.has('generation_config.json')
  return parseGenerationConfig(
    await source.readJson(hasOwn ? 'generation_config.json' : 'config.json'),
  )
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
      tensors: gguf.index,
      pooling: null,
      generation: parseGenerationConfig(gguf.generationConfig),
      tokenizerJson: gguf.tokenizerJson,
      tokenizerConfig: gguf.tokenizerConfig,
    }
  }
  const [outline, generation, tokenizerJson, tokenizerConfig] = await Promise.all([
    readFolderOutline(source),
    readGeneration(source),
    source.readJson('tokenizer.json'),
    readTokenizerConfig(source),
  ])
  return { ...outline, generation, tokenizerJson, tokenizerConfig }
}

/**
 * The outline alone: of a folder no more than config.json and the headers of its weights are read.
 *
 * @throws EngineError as `readModelFiles`.
 */
export const readModelOutline = async (source: ModelSource): Promise<ModelOutline> => {
  if (source.ggufFile !== null) {
    const { config, index } = await openGguf(source, source.ggufFile)
    return { config: parseModelConfig(config), tensors: index, pooling: null }
  }
  return readFolderOutline(source)
}

const readFolderOutline = async (source: ModelSource): Promise<ModelOutline> => {
  const config = parseModelConfig(await source.readJson('config.json'))
  const pooling = await readPooling(source, config)
  const tensors = await openTensors(source)
  if (!pooling) return { config, tensors, pooling }
  return { config, tensors: await poolingTensors(source, tensors, pooling), pooling }
}

/** The tensors of a model's files. */
export const openTensors = (source: ModelSource): Promise<TensorIndex> =>
  source.ggufFile === null ? openSafetensors(source) : openGgufIndex(source, source.ggufFile)
