import type { LoadOptions } from '../load-options.ts'
import { parseGenerationConfig } from '../generation-config.ts'
import type { OptionTable, OptionValues } from './command-line.ts'
import type { CreateEngineOptions } from './create-engine.ts'
import { count, json, oneOf, text } from './option-values.ts'
import { UsageError } from './usage-error.ts'

const elementTypes = {
  auto: 'auto',
  float32: 'f32',
  float: 'f32',
  f32: 'f32',
  float16: 'f16',
  half: 'f16',
  f16: 'f16',
} as const

const { auto: _, ...cacheTypes } = elementTypes

/** vLLM's words for a length that fits. */
const autoLengths = new Set(['auto', '-1'])

/** Options of every command that loads a model, under vLLM's names where it has them. */
export const modelOptions = {
  model: {
    value: 'MODEL',
    read: text,
    help: 'a folder, a .gguf file, owner/name[@revision] on the Hugging Face hub, or a URL',
  },
  quantization: {
    value: 'KIND',
    short: 'q',
    read: oneOf({ auto: 'auto', stored: 'stored', none: 'none', q8: 'q8', q4: 'q4' } as const),
    help: 'auto, stored, none, q8 or q4; auto takes what fits',
  },
  dtype: {
    value: 'TYPE',
    read: oneOf<(typeof elementTypes)[keyof typeof elementTypes]>(elementTypes),
    help: 'of weights that are not quantised: auto, float16 or float32',
  },
  'kv-cache-dtype': {
    value: 'TYPE',
    read: oneOf<(typeof cacheTypes)[keyof typeof cacheTypes]>(cacheTypes),
    help: 'float16 or float32',
  },
  'kv-cache-memory-bytes': {
    value: 'BYTES',
    read: count,
    help: 'for the KV cache at most, such as 1G',
  },
  'memory-budget': {
    value: 'BYTES',
    read: count,
    help: "for the model on the GPU; half of this machine's memory unless given",
  },
  'max-model-len': {
    value: 'TOKENS',
    read: (given, option) => (autoLengths.has(given) ? undefined : count(given, option)),
    help: 'longest prompt and answer together; auto takes what fits, as it is without the option',
  },
  'max-num-seqs': { value: 'N', read: count, help: 'requests that run at the same time' },
  'max-num-batched-tokens': { value: 'TOKENS', read: count, help: 'of one step' },
  'enable-prefix-caching': { help: 'reuse the KV of equal prompt starts (the default)' },
  'num-speculative-tokens': {
    value: 'N',
    read: count,
    help: 'length of n-gram drafts, 0 for none',
  },
  'reasoning-parser': {
    value: 'NAME',
    read: text,
    help: "vLLM's name, or none; found by itself unless given",
  },
  'override-generation-config': {
    value: 'JSON',
    read: json,
    help: 'default sampling, such as \'{"temperature": 0.6}\'',
  },
  'download-dir': { value: 'DIR', read: text, help: 'where downloaded models are kept' },
  'hf-token': { value: 'TOKEN', read: text, help: 'for models that are not public; else HF_TOKEN' },
} satisfies OptionTable

/** Fields that are not there instead of undefined, for options that have defaults. */
export const withoutUndefined = <Given extends object>(given: Given) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Given]?: Exclude<Given[Name], undefined>
  }

/** vLLM's parser names, and `none`. */
export const parserName = (name: string | undefined): string | null | undefined =>
  name === 'none' ? null : name

const speculationOf = (tokens: number | undefined): LoadOptions['speculation'] =>
  tokens ? { numSpeculativeTokens: tokens } : tokens === 0 ? null : undefined

/**
 * The options of the command line as `createEngine` takes them.
 *
 * @throws UsageError where there is no model.
 */
export const toEngineOptions = (
  options: OptionValues<typeof modelOptions>,
): CreateEngineOptions => {
  const { model } = options
  if (!model) {
    throw new UsageError(
      'No model is given. Name one: --model ./folder, --model file.gguf or --model Qwen/Qwen3-0.6B',
    )
  }
  const sampling = options['override-generation-config']
  return {
    model,
    ...withoutUndefined({
      quantization: options.quantization,
      dtype: options.dtype,
      kvCacheDtype: options['kv-cache-dtype'],
      kvCacheBytes: options['kv-cache-memory-bytes'],
      memoryBudget: options['memory-budget'],
      maxModelLen: options['max-model-len'],
      maxNumSeqs: options['max-num-seqs'],
      maxNumBatchedTokens: options['max-num-batched-tokens'],
      enablePrefixCaching: options['enable-prefix-caching'],
      speculation: speculationOf(options['num-speculative-tokens']),
      reasoningParser: parserName(options['reasoning-parser']),
      defaultSamplingParams:
        sampling === undefined ? undefined : parseGenerationConfig(sampling).defaultSamplingParams,
      downloadDir: options['download-dir'],
      hubToken: options['hf-token'],
    }),
  }
}
