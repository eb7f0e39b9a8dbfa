import type { TensorIndex } from '../weights/safetensors.ts'
import type { Json } from './config-fields.ts'
import type { ModelConfig } from './model-config.ts'
import type { CreateModel } from './model.ts'

/** What Quire knows of an architecture: how its config.json reads, and the network. */
export type Architecture = {
  /** As config.json's `architectures` names it. */
  readonly name: string
  /**
   * What differs from a plain Llama.
   *
   * @param json config.json.
   * @param base The settings that all architectures read alike.
   * @throws EngineError `unsupported-model` or `invalid-file`.
   */
  readonly configure: (json: Json, base: ModelConfig) => Partial<ModelConfig>
  /** The file's tensors under the names that the network asks for, where they differ. */
  readonly tensors?: (index: TensorIndex, config: ModelConfig) => TensorIndex
  readonly create: CreateModel
}
