import { withOtherNames } from '../weights/tensor-names.ts'
import type { Architecture } from './architecture.ts'
import { invalidField, isRecord, readNumber, unsupported, type Json } from './config-fields.ts'
import { createDecoder, decoderEmbedding } from './decoder.ts'
import type { ModelConfig, QueryScaling } from './model-config.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** Among the parameters of YaRN, whose length it shares. */
const readQueryScaling = (json: Json, { ropes }: ModelConfig): QueryScaling | null => {
  const parameters = json['rope_parameters'] ?? json['rope_scaling']
  const scaling = ropes[0]?.scaling
  if (!isRecord(parameters) || !parameters['llama_4_scaling_beta']) return null
  if (scaling?.type !== 'yarn') {
    throw unsupported(
      'llama_4_scaling_beta without YaRN is not supported',
      'Choose a model whose rope_parameters have the type yarn.',
    )
  }
  return {
    beta: readNumber(parameters, 'llama_4_scaling_beta'),
    length: scaling.originalMaxPositionEmbeddings,
  }
}

const configure = (json: Json, base: ModelConfig): Partial<ModelConfig> => ({
  layers: readSlidingLayers(json, base, () => true),
  queryScaling: readQueryScaling(json, base),
})

/** Mistral: Llama, with a sliding window in its first version. */
export const mistral: Architecture = {
  name: 'MistralForCausalLM',
  configure,
  create: createDecoder,
  embed: decoderEmbedding,
}

/** Ministral 3: Mistral with YaRN and queries that grow with their position. */
export const ministral3: Architecture = {
  name: 'Ministral3ForCausalLM',
  configure: (json, base) => {
    // transformers' own default is a YaRN that no published file leaves out.
    const parameters = json['rope_parameters'] ?? json['rope_scaling']
    if (!isRecord(parameters)) throw invalidField('rope_parameters', parameters, 'an object')
    return configure(json, base)
  },
  create: createDecoder,
}

const textFields = (json: Json): Json => {
  const text = json['text_config']
  if (!isRecord(text)) throw invalidField('text_config', text, 'an object')
  if (text['model_type'] !== 'mistral' && text['model_type'] !== 'ministral3') {
    throw invalidField('model_type', text['model_type'], '"mistral" or "ministral3" in text_config')
  }
  return {
    ...json,
    ...text,
    tie_word_embeddings: text['tie_word_embeddings'] ?? json['tie_word_embeddings'],
  }
}

/** The name that checkpoints have for a tensor, in their older layout and in that of transformers 5. */
const namesInFile = (name: string): readonly string[] => [
  `language_model.${name}`,
  name.replace(/^model\./, 'model.language_model.'),
]

/** The text model of Mistral Small 3 and of most repositories of Ministral 3; images are left out. */
export const mistral3: Architecture = {
  name: 'Mistral3ForConditionalGeneration',
  fields: textFields,
  configure,
  tensors: (index) =>
    withOtherNames(index, (name) => [
      ...namesInFile(name),
      // The text's configuration may deny a tied head that the whole one has.
      ...(name === 'lm_head.weight' ? namesInFile('model.embed_tokens.weight') : []),
    ]),
  create: createDecoder,
}
