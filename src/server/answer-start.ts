import type { Thinking } from '../grammar/thinking-gate.ts'
import {
  type DelimitedReasoning,
  isThinkingOn,
  readPromptState,
} from '../parsers/grammars/delimited-reasoning.ts'
import { type ChannelledMessages, readFirstMessage } from '../parsers/grammars/message-reader.ts'
import { findReasoningFormat } from '../parsers/registry.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { specialTokens } from './special-tokens.ts'

export type AnswerStartOptions = {
  /** vLLM's name of the reasoning format; null where the model does not think. */
  readonly reasoningParser: string | null
  readonly tokenizer: Tokenizer
  readonly prompt: string
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly stopTokenIds: readonly number[]
  /** The answer is a call in the model's own syntax, with which the thinking may end. */
  readonly callsTools: boolean
}

const idsOf = ({ addedTokens }: Tokenizer, markers: readonly string[]): number[] =>
  markers.flatMap((marker) => addedTokens.get(marker)?.id ?? [])

const delimitedThinking = (
  format: DelimitedReasoning,
  options: AnswerStartOptions,
): Thinking | null => {
  const { tokenizer, prompt, kwargs, stopTokenIds, callsTools } = options
  const promptState = readPromptState(format, prompt, specialTokens(tokenizer))
  const isOn = isThinkingOn(format, promptState, kwargs)
  const whenOff = format.toggle?.whenOff ?? 'untouched'
  const initial = isOn ? format.initial : whenOff
  if (promptState === 'closed' || initial === 'untouched') return null
  const begins = promptState === 'open' || initial === 'reasoning' ? 'thinking' : 'either'
  const [startId = null] = idsOf(tokenizer, format.starts)
  // Without a token of its own, a start marker can't be told from an answer that begins alike.
  if (begins === 'either' && startId === null) return null
  const endedBy = callsTools ? format.endedBy : []
  const ruledOut = callsTools ? [] : idsOf(tokenizer, format.endedBy)
  return {
    begins,
    startId,
    ends: format.ends,
    endedBy,
    forbiddenIds: [...stopTokenIds, ...ruledOut],
  }
}

const messageThinking = (
  format: ChannelledMessages,
  { prompt, stopTokenIds: forbiddenIds }: AnswerStartOptions,
): Thinking | null =>
  readFirstMessage(format, prompt)?.kind === 'content'
    ? null
    : { begins: 'thinking', startId: null, ends: format.answers, endedBy: [], forbiddenIds }

/** How the model thinks before the answer that a constraint is for; null where it does not. */
export const readThinking = (options: AnswerStartOptions): Thinking | null => {
  const { reasoningParser, tokenizer } = options
  if (reasoningParser === null) return null
  const format = findReasoningFormat(reasoningParser, tokenizer.addedTokens.keys())
  return format.kind === 'delimited-reasoning'
    ? delimitedThinking(format, options)
    : messageThinking(format, options)
}
