import { EngineError } from '../errors.ts'
import { withOtherNames } from '../weights/tensor-names.ts'
import { withQuantizedWeights } from '../weights/quantized/quantized-tensors.ts'
import type { Pooling } from '../kernels/pool.ts'
import type { TensorIndex } from '../weights/safetensors.ts'
import type { Architecture, Embedding } from './architecture.ts'
import type { ModelConfig } from './model-config.ts'
import type { CreateEncoder, CreateModel } from './model.ts'
import { otherModel, unsupported } from './config-fields.ts'
import { architectures } from './registry.ts'

const architectureOf = ({ architecture }: ModelConfig): Architecture => {
  const known = architectures.find(({ name }) => name === architecture)
  if (!known) throw new EngineError('internal', `There is no network for ${architecture}.`)
  return known
}

/** Builds the network that the config names, to generate with. */
export const createModel: CreateModel = (build) => {
  const { name, create } = architectureOf(build.config)
  if (!create) throw new EngineError('internal', `${name} has no language-model head.`)
  return create(build)
}

/**
 * Builds the network that the config names, to embed with.
 *
 * @throws EngineError `unsupported-model` for one that Quire can only generate with.
 */
export const createEncoder: CreateEncoder = (build) => embeddingOf(build.config).create(build)

/** What a model pools by where its files don't say; throws as `createEncoder` does. */
export const defaultPooling = (config: ModelConfig): Pooling => embeddingOf(config).pooling

const embeddingOf = (config: ModelConfig): Embedding => {
  const { name, embed } = architectureOf(config)
  if (embed) return embed
  throw unsupported(`Quire does not embed texts with ${name}`, otherModel)
}

/** Whether a model has no other use than to embed texts. */
export const onlyEmbeds = (config: ModelConfig): boolean => !architectureOf(config).create

/** A model's tensors under the names that its network asks for. */
export const modelTensors = (files: TensorIndex, config: ModelConfig): TensorIndex => {
  const stored = withQuantizedWeights(files, config.quantization)
  // A decoder that was saved without its head has no prefix.
  const index = withOtherNames(stored, (name) => [name.replace(/^model\./, '')])
  return architectureOf(config).tensors?.(index, config) ?? index
}
