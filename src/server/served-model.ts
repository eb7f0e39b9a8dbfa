import type { GenerationEngine } from '../engine/generation.ts'
import type { PoolingEngine, VectorRules } from '../engine/pooling.ts'
import type { Grammars } from '../grammar/grammars.ts'
import type { SamplingParams } from '../engine/sampling-params.ts'
import type { ChatTemplate } from '../tokenizer/chat-template.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

type Served = {
  /** The `model` of requests and replies. */
  readonly id: string
  /** Seconds since 1970 at which the model was loaded. */
  readonly created: number
  readonly tokenizer: Tokenizer
  /** Null for base models: chat requests are refused. */
  readonly chatTemplate: ChatTemplate | null
}

/** All that the server needs to answer for one loaded model that generates. */
export type ServedModel = Served & {
  readonly task: 'generate'
  readonly engine: GenerationEngine
  /** For answers that are held to a form. */
  readonly grammars: Grammars
  /** From generation_config.json; they override OpenAI's defaults, as in vLLM. */
  readonly defaultSamplingParams: Partial<SamplingParams>
  /** vLLM parser names, null for none. */
  readonly toolParser: string | null
  readonly reasoningParser: string | null
}

/** All that the server needs to answer for one loaded model that embeds. */
export type ServedPoolingModel = Served & {
  readonly task: 'embed'
  readonly engine: PoolingEngine
  readonly vectors: VectorRules
  /** Texts are put into lower case before they are cut into tokens. */
  readonly lowersCase: boolean
}

export type AnyServedModel = ServedModel | ServedPoolingModel
