import { startBeamSearch } from '../engine/beam-search.ts'
import type { SamplingParams } from '../engine/sampling-params.ts'
import { startBeamChoices } from './beam-choices.ts'
import { type ChoiceSet, startChoices } from './choice-set.ts'
import { invalidRequest } from './errors.ts'
import { startChoice } from './generation-stream.ts'
import { randomHex } from './ids.ts'
import { groupOutputs } from './output-groups.ts'
import { readRepetitionRule } from './repetition.ts'
import type { RouteContext } from './route.ts'
import { forChoice } from './sampling-request.ts'
import type { TokenMask } from './thinking-budget.ts'
import { createTokenReader, type TokenReaderOptions } from './token-reader.ts'
import type { CommonRequest } from './validation.ts'

export type ReplyChoicesOptions = {
  readonly context: RouteContext
  readonly body: CommonRequest
  /** Begins the ids of the engine's requests. */
  readonly replyId: string
  readonly params: SamplingParams
  readonly prompts: readonly (readonly number[])[]
  /** A parser reads one choice. */
  readonly createParser: () => TokenReaderOptions['parser']
  readonly skipSpecialTokens: boolean
  /** Narrows the tokens of one choice. */
  readonly createMask?: () => TokenMask | null
}

/** vLLM lets a gateway set the priority by header, which wins over the body. */
const priorityOf = ({ request }: RouteContext, body: CommonRequest): number => {
  const header = request.headers.get('x-vllm-priority') ?? ''
  return /^\s*[+-]?\d+\s*$/.test(header) ? Number(header) : (body.priority ?? 0)
}

const sharedRequest = ({ context, body }: ReplyChoicesOptions) => ({
  priority: priorityOf(context, body),
  ...(body.cache_salt == null ? {} : { cacheSalt: body.cache_salt }),
})

const readerOptions = (options: ReplyChoicesOptions): TokenReaderOptions => ({
  tokenizer: options.context.model.tokenizer,
  parser: options.createParser(),
  stop: options.body.stop ?? [],
  minTokens: options.params.minTokens,
  includeStopStrInOutput: options.body.include_stop_str_in_output ?? false,
  skipSpecialTokens: options.skipSpecialTokens,
  repetition: readRepetitionRule(options.body.repetition_detection),
})

const sample = (options: ReplyChoicesOptions): ChoiceSet => {
  const { context, body, replyId, params, prompts } = options
  const n = body.n ?? 1
  return startChoices({
    numPrompts: prompts.length,
    n,
    start: (index) =>
      startChoice({
        ...readerOptions(options),
        index,
        engine: context.model.engine,
        request: {
          ...sharedRequest(options),
          promptTokenIds: prompts[Math.floor(index / n)] ?? [],
          samplingParams: forChoice(params, index % n),
          ...options.createMask?.(),
          requestId: `${replyId}-${randomHex(8)}`,
        },
      }),
  })
}

/** As in vLLM: nothing but the tokenizer's own end-of-sequence token completes a beam. */
const searchBeams = (options: ReplyChoicesOptions): ChoiceSet => {
  const { context, body, replyId, params, prompts } = options
  const { engine, tokenizer } = context.model
  const beamWidth = body.n ?? 1
  const endsAtEos = tokenizer.eosToken !== null && !params.ignoreEos
  const eosTokenId = endsAtEos ? tokenizer.tokenToId(tokenizer.eosToken) : null
  return startBeamChoices({
    numPrompts: prompts.length,
    n: beamWidth,
    eosTokenId,
    countsEos: body.include_stop_str_in_output ?? false,
    createReader: () => createTokenReader({ ...readerOptions(options), stop: [] }),
    start(promptIndex) {
      const promptTokenIds = prompts[promptIndex] ?? []
      const room = engine.maxModelLen - promptTokenIds.length
      return startBeamSearch({
        engine,
        promptTokenIds,
        beamWidth,
        maxTokens: Math.min(params.maxTokens ?? room, room),
        lengthPenalty: body.length_penalty ?? 1,
        eosTokenId,
        numLogprobs: params.logprobs ?? 0,
        request: sharedRequest(options),
        requestId: `${replyId}-${randomHex(8)}`,
      })
    },
  })
}

const checkBeamSearch = (body: CommonRequest, params: SamplingParams) => {
  if (body.stream) throw invalidRequest('Streaming is not currently supported with beam search')
  if (params.promptLogprobs !== null) {
    throw invalidRequest(
      'Log probabilities of the prompt are not available with beam search. Leave out ' +
        '`prompt_logprobs`, and `echo` with `logprobs`.',
      'prompt_logprobs',
    )
  }
  const lengthPenalty = body.length_penalty ?? 1
  if (!Number.isFinite(lengthPenalty)) {
    throw invalidRequest(
      `length_penalty must be a finite number, got ${lengthPenalty}.`,
      'length_penalty',
    )
  }
}

/**
 * Starts all choices of a reply: `n` samples a prompt, or the `n` best beams.
 *
 * @throws EngineError a 400 for what beam search can't do, and what `addRequest` throws.
 */
export const startReplyChoices = (options: ReplyChoicesOptions): ChoiceSet => {
  const { use_beam_search: searches, stream, stream_interval: interval } = options.body
  if (!searches) {
    const choices = sample(options)
    if (!stream || interval == null) return choices
    return { ...choices, outputs: groupOutputs(choices.outputs, interval) }
  }
  checkBeamSearch(options.body, options.params)
  return searchBeams(options)
}
