import type { Pooling } from '../kernels/pool.ts'
import type { TensorIndex } from '../weights/safetensors.ts'
import type { Json } from './config-fields.ts'
import type { ModelConfig } from './model-config.ts'
import type { CreateEncoder, CreateModel } from './model.ts'

/** How an architecture embeds texts. */
export type Embedding = {
  /** The network up to its final hidden states. */
  readonly create: CreateEncoder
  /** What makes a vector of them, where the model's files don't say. */
  readonly pooling: Pooling
}

/** What Quire knows of an architecture: how its config.json reads, and the network. */
export type Architecture = {
  /** As config.json's `architectures` names it. */
  readonly name: string
  /** config.json with its fields where a Llama has them, if they are not. */
  readonly fields?: (json: Json) => Json
  /**
   * What differs from a plain Llama.
   *
   * @param json config.json, as `fields` gives it.
   * @param base The settings that all architectures read alike.
   * @throws EngineError `unsupported-model` or `invalid-file`.
   */
  readonly configure: (json: Json, base: ModelConfig) => Partial<ModelConfig>
  /** The file's tensors under the names that the network asks for, where they differ. */
  readonly tensors?: (index: TensorIndex, config: ModelConfig) => TensorIndex
  /** The network with its language-model head; without it the model only embeds. */
  readonly create?: CreateModel
  /** The network to embed with; without it the model only generates. */
  readonly embed?: Embedding
}
