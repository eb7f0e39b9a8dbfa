import type { CommandRecorder } from '../gpu/command-recorder.ts'
import type { Tensor } from '../gpu/tensor.ts'
import type { KvFormat } from '../kernels/kv-format.ts'
import type { Gpu } from '../layers/gpu.ts'
import type { StepShape } from '../layers/step-shape.ts'
import type { WeightLoader } from '../weights/weight-loader.ts'
import type { ModelConfig } from './model-config.ts'

/** One layer's cache: two buffers [block][kvHead][blockSize][headDim]. */
export type LayerKvCache = { readonly k: Tensor; readonly v: Tensor }

/** What a network is built from. Everything is allocated before the first step. */
export type EncoderBuild = {
  readonly gpu: Gpu
  readonly config: ModelConfig
  readonly weights: WeightLoader
  readonly kvCache: readonly LayerKvCache[]
  readonly kvFormat: KvFormat
  /** The step's numbers, u32; see `engine/step-input-layout.ts`. */
  readonly step: Tensor
  /** The token drawn last in each slot, u32. */
  readonly lastTokens: Tensor
  /** Largest number of rows a step may have. */
  readonly maxNumTokens: number
  readonly maxNumSequences: number
  readonly maxModelLen: number
}

/** What a model that generates is built from. */
export type ModelBuild = EncoderBuild & {
  /** Output, f32 [samples][vocabSize]. */
  readonly logits: Tensor
  /** Most rows of a step that logits are wanted of. */
  readonly maxNumSamples: number
}

/** A network on the GPU: token ids of the step in, logits of its sample rows out. */
export type Model = { encode(recorder: CommandRecorder, shape: StepShape): void }

export type CreateModel = (build: ModelBuild) => Promise<Model>

/** A network on the GPU: token ids of the step in, the final hidden states of all rows out. */
export type Encoder = Model & {
  /** f32 [tokens][hiddenSize], normed where the network ends with a norm. */
  readonly output: Tensor
}

export type CreateEncoder = (build: EncoderBuild) => Promise<Encoder>
