import type { Activation } from '../kernels/linear-spec.ts'
import type { Quantization } from '../weights/quantized/scheme.ts'

/** How positions are stretched past the length that a model was trained on. */
export type RopeScaling =
  | { readonly type: 'none' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalMaxPositionEmbeddings: number
    }
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly betaFast: number
      readonly betaSlow: number
      /** Multiplies cos and sin. */
      readonly attentionFactor: number
      readonly originalMaxPositionEmbeddings: number
      /** Rounds the ramp's ends to whole dimensions. */
      readonly truncate: boolean
    }
  | {
      readonly type: 'longrope'
      /** Divide the frequencies, one a pair: of contexts up to the original length, and of longer. */
      readonly shortFactors: readonly number[]
      readonly longFactors: readonly number[]
      /** Multiplies cos and sin. */
      readonly attentionFactor: number
      readonly originalMaxPositionEmbeddings: number
    }

/** How one table of rotary angles is made. */
export type RopeConfig = {
  readonly theta: number
  readonly scaling: RopeScaling
}

/** Queries of position p are multiplied by 1 + beta * ln(1 + floor(p / length)). */
export type QueryScaling = { readonly beta: number; readonly length: number }

/** What one layer's attention does that another's may not. */
export type LayerConfig = {
  /** Keys that a position sees, itself included; 0 for all before it. */
  readonly window: number
  /** Which of `ropes` turns its queries and keys; null leaves them without positions. */
  readonly rope: number | null
}

/** How layers choose among gated MLPs. */
export type ExpertsConfig = {
  readonly numExperts: number
  /** Experts of a token. */
  readonly topK: number
  /** Width of one expert. */
  readonly intermediateSize: number
  /** The shares of a token's experts are divided by their sum. */
  readonly hasSumOfOne: boolean
  /** For each layer, whether it has experts. */
  readonly layers: readonly boolean[]
}

/** A decoder: blocks of grouped-query attention and a gated MLP on a residual stream. */
export type ModelConfig = {
  /** config.json's `architectures[0]`. */
  readonly architecture: string
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** Channels of a head that are rotated, from the first. */
  readonly rotaryDim: number
  /** `rms`, or `layer` with biases, which goes with the placement `pre`. */
  readonly norm: 'rms' | 'layer'
  readonly normEps: number
  /** Added to the weights of every norm as the file has them. */
  readonly normOffset: number
  /**
   * `pre`: each block norms what it reads from the residual stream. `post`: it norms what it adds to
   * the stream. `sandwich`: both.
   */
  readonly normPlacement: 'pre' | 'post' | 'sandwich'
  readonly ropes: readonly RopeConfig[]
  /** One entry a layer. */
  readonly layers: readonly LayerConfig[]
  readonly maxPositionEmbeddings: number
  /** Longest context in tokens, with what the rotary angles are stretched by. */
  readonly contextLength: number
  /** The language-model head is the embedding matrix. */
  readonly tieWordEmbeddings: boolean
  /** Positions are learned and added to the embeddings. */
  readonly learnedPositions: boolean
  /** q, k and v projections have a bias. */
  readonly attentionBias: boolean
  /** Attention's output projection has a bias. */
  readonly outputBias: boolean
  /** The MLP's projections have biases. */
  readonly mlpBias: boolean
  /** RMSNorm of q and k before RoPE: over each `head`, or over `all` heads together. */
  readonly qkNorm: 'none' | 'head' | 'all'
  /** The MLP multiplies by a gate. */
  readonly gatedMlp: boolean
  /** Of the layers that have experts in place of one MLP; null where none does. */
  readonly experts: ExpertsConfig | null
  /** The MLP's activation: of the gate, where it has one. */
  readonly activation: Activation
  /** Positions see none after them; if not, the whole text, or as far ahead as back in a window. */
  readonly causal: boolean
  /** Factor of the attention scores. */
  readonly attentionScale: number
  readonly queryScaling: QueryScaling | null
  /** Scores become cap * tanh(score / cap); 0 for none. */
  readonly attentionSoftCap: number
  /** Factors of the embeddings, of what blocks add to the residual stream, and of the logits. */
  readonly embeddingScale: number
  readonly residualScale: number
  readonly logitScale: number
  readonly logitSoftCap: number
  readonly eosTokenIds: readonly number[]
  readonly bosTokenId: number | null
  /** As config.json says it, such as `bfloat16`; null where it does not. */
  readonly torchDtype: string | null
  /** How the weights were quantised in the file; null for plain ones. */
  readonly quantization: Quantization | null
}
