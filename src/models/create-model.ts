import { EngineError } from '../errors.ts'
import type { TensorIndex } from '../weights/safetensors.ts'
import type { Architecture } from './architecture.ts'
import type { ModelConfig } from './model-config.ts'
import type { CreateModel } from './model.ts'
import { architectures } from './registry.ts'

const architectureOf = ({ architecture }: ModelConfig): Architecture => {
  const known = architectures.find(({ name }) => name === architecture)
  if (!known) throw new EngineError('internal', `There is no network for ${architecture}.`)
  return known
}

/** Builds the network that the config names. */
export const createModel: CreateModel = (build) => architectureOf(build.config).create(build)

/** A model's tensors under the names that its network asks for. */
export const modelTensors = (index: TensorIndex, config: ModelConfig): TensorIndex =>
  architectureOf(config).tensors?.(index, config) ?? index
