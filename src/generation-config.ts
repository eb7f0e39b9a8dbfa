import type { SamplingParams } from './engine/sampling-params.ts'
import { isRecord, readTokenIds } from './models/config-fields.ts'

const samplingFields = {
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  repetition_penalty: 'repetitionPenalty',
  max_new_tokens: 'maxTokens',
} as const

/**
 * The parts of generation_config.json that vLLM heeds (`--generation-config auto`): the ids that end a
 * text and the default sampling parameters. Null (no such file) gives none.
 */
export const parseGenerationConfig = (
  json: unknown,
): { eosTokenIds: number[]; defaultSamplingParams: Partial<SamplingParams> } => {
  if (!isRecord(json)) return { eosTokenIds: [], defaultSamplingParams: {} }
  const given = Object.entries(samplingFields).flatMap(([field, parameter]) =>
    Number.isFinite(json[field]) ? [[parameter, json[field]] as const] : [],
  )
  return {
    eosTokenIds: readTokenIds(json, 'eos_token_id'),
    defaultSamplingParams: Object.fromEntries(given),
  }
}
