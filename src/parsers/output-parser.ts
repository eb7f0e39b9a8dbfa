import { createCallId } from './call-ids.ts'
import { createChannelledSplitter } from './grammars/channelled-reasoning.ts'
import {
  createDelimitedSplitter,
  isThinkingOn,
  readPromptState,
  type DelimitedReasoning,
} from './grammars/delimited-reasoning.ts'
import { readFirstMessage } from './grammars/message-reader.ts'
import { createNamedCallParser } from './grammars/named-call.ts'
import {
  createOutputWriter,
  type OutputFinishReason,
  type OutputWriter,
  type ToolCallParser,
} from './grammars/output-writer.ts'
import type { ReasoningSplitter, ThinkingState } from './grammars/reasoning-splitter.ts'
import { findMarker } from './marker-search.ts'
import { joinDeltas, type OutputDelta } from './output-delta.ts'
import { createToolCallParser, findReasoningFormat, findToolFormat, textsOf } from './registry.ts'
import { createTokenMarks, type AddedTokens, type TokenMarks } from './token-marks.ts'
import { requiredCalls } from './tool-formats.ts'
import { readTools } from './tool-schemas.ts'

export type { OutputFinishReason } from './grammars/output-writer.ts'
export type { ThinkingState } from './grammars/reasoning-splitter.ts'

export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } }

export type OutputParserOptions = {
  /** vLLM's name of the tool call format; null or absent leaves calls in the content. */
  readonly toolParser?: string | null
  /** vLLM's name of the reasoning format; null or absent leaves thinking in the content. */
  readonly reasoningParser?: string | null
  /**
   * The request's tools. An empty list leaves calls in the content, as vLLM does for requests
   * without tools; absent, the tools are unknown and calls are parsed.
   */
  readonly tools?: readonly unknown[] | null
  /** `none` leaves calls in the content. */
  readonly toolChoice?: ToolChoice | null
  /**
   * The answer is held to plain JSON: with `required` to a list of `{"name", "parameters"}`, with a
   * named tool to the object of its arguments. Without it such calls are in the model's own format.
   */
  readonly guided?: boolean
  readonly chatTemplateKwargs?: Readonly<Record<string, unknown>> | null
  /** The end of the rendered prompt: it may have opened or closed the thinking. */
  readonly promptTail?: string
  /**
   * The special tokens of the vocabulary. Those that the formats give no meaning to, such as an
   * end of turn, are dropped from the output. Tags among them may carry a suffix, `<think:v1>`.
   */
  readonly specialTokens?: readonly string[]
  /** False leaves those special tokens in the output. */
  readonly skipSpecialTokens?: boolean
  /**
   * All tokens of the vocabulary that are never parts of words, with their ids. Where given, a
   * marker that is such a token counts only as that token, so each push must carry its ids.
   */
  readonly addedTokens?: AddedTokens
}

export type OutputParser = {
  /** What these tokens add. `tokenIds` are the ids of the text, whole tokens. */
  push(text: string, tokenIds?: readonly number[]): OutputDelta[]
  /** What was held back. Call it once, at the end. */
  finish(reason: OutputFinishReason): OutputDelta[]
  /** Where the thinking stands after what was pushed. */
  thinking(): ThinkingState
}

export type ParsedToolCall = {
  readonly id: string
  readonly name: string
  /** JSON text, as the model wrote it. */
  readonly arguments: string
}

export type ParsedOutput = {
  readonly reasoning: string | null
  readonly content: string | null
  readonly toolCalls: readonly ParsedToolCall[]
  readonly finishReason: OutputFinishReason | 'tool_calls'
}

type TextFilter = { push(text: string): string; finish(): string }

/** Drops the given tokens from a growing text. */
const createTokenFilter = (dropped: readonly string[]): TextFilter => {
  let buffer = ''
  const run = (final: boolean): string => {
    let kept = ''
    for (;;) {
      const { at, marker } = findMarker(buffer, dropped, { final })
      kept += buffer.slice(0, at)
      buffer = buffer.slice(at + (marker?.length ?? 0))
      if (marker === null) return kept
    }
  }
  return {
    push: (text) => {
      buffer += text
      return run(false)
    },
    finish: () => run(true),
  }
}

/** The tool whose arguments alone the answer is held to; null where it is not. */
const guidedToolOf = ({ toolChoice, guided }: OutputParserOptions): string | null =>
  guided && typeof toolChoice === 'object' && toolChoice ? toolChoice.function.name : null

const readFormats = (options: OutputParserOptions) => {
  const {
    toolParser,
    reasoningParser,
    tools,
    toolChoice,
    specialTokens = [],
    skipSpecialTokens = true,
    addedTokens,
  } = options
  const tokens = [...specialTokens, ...(addedTokens?.keys() ?? [])]
  const given = toolParser ? findToolFormat(toolParser, tokens) : null
  const isRequired = options.guided === true && toolChoice === 'required'
  const toolFormat = isRequired ? { ...requiredCalls, ids: given?.ids ?? requiredCalls.ids } : given
  const wantsCalls = toolChoice !== 'none' && tools?.length !== 0
  const reasoningFormat = reasoningParser ? findReasoningFormat(reasoningParser, tokens) : null
  const literals = textsOf([toolFormat, reasoningFormat])
  // Without a parser the text is the caller's own.
  const dropped =
    literals.length > 0 && skipSpecialTokens
      ? specialTokens.filter((token) => !literals.some((literal) => literal.includes(token)))
      : []
  return {
    toolFormat: wantsCalls ? toolFormat : null,
    reasoningFormat,
    ids: given?.ids ?? 'chatcmpl-tool',
    dropped,
    marks: createTokenMarks(addedTokens, [...literals, ...dropped]),
  }
}

type Formats = ReturnType<typeof readFormats>

const createDelimited = (
  format: DelimitedReasoning,
  options: OutputParserOptions,
  marks: TokenMarks,
): ReasoningSplitter | null => {
  const { promptTail = '', specialTokens = [], chatTemplateKwargs } = options
  const promptState = readPromptState(format, promptTail, specialTokens)
  const marked = marks.data(format)
  if (isThinkingOn(format, promptState, chatTemplateKwargs ?? {})) {
    return createDelimitedSplitter(marked, promptState)
  }
  const whenOff = format.toggle?.whenOff ?? 'untouched'
  return whenOff === 'untouched' ? null : createDelimitedSplitter(marked, promptState, whenOff)
}

const createSplitter = (
  options: OutputParserOptions,
  { reasoningFormat, marks }: Formats,
): ReasoningSplitter | null => {
  if (reasoningFormat === null) return null
  if (reasoningFormat.kind === 'delimited-reasoning') {
    return createDelimited(reasoningFormat, options, marks)
  }
  const first = readFirstMessage(reasoningFormat, options.promptTail ?? '')
  return createChannelledSplitter(marks.data(reasoningFormat), marks.data(first))
}

const createCalls = (
  options: OutputParserOptions,
  { toolFormat, reasoningFormat, marks }: Formats,
  writer: OutputWriter,
): ToolCallParser => {
  const guidedTool = guidedToolOf(options)
  if (guidedTool !== null) return createNamedCallParser(guidedTool, writer)
  if (toolFormat === null) {
    return { push: (text) => writer.verbatim(text), finish: () => {} }
  }
  const inMessages = reasoningFormat?.kind === 'channelled-messages'
  const isFirst = toolFormat.kind === 'channelled-calls' && !inMessages
  const first = isFirst ? readFirstMessage(toolFormat.messages, options.promptTail ?? '') : null
  return createToolCallParser(marks.data(toolFormat), writer, readTools(options.tools), {
    inMessages,
    first: marks.data(first),
  })
}

/** Remembers the thinking for formats that tell it as content where nothing else is. */
const createPromotion = (options: OutputParserOptions, { reasoningFormat }: Formats) => {
  const rule = reasoningFormat?.kind === 'delimited-reasoning' ? reasoningFormat.promotion : null
  const kwargs = options.chatTemplateKwargs ?? {}
  const isOn = rule !== null && (rule.variable === null || Boolean(kwargs[rule.variable]))
  let thought = ''
  let isAnswered = false
  return {
    look: (deltas: OutputDelta[]): OutputDelta[] => {
      for (const { reasoning, content, toolCall } of isOn ? deltas : []) {
        thought += reasoning ?? ''
        isAnswered ||= toolCall !== undefined || (content ?? '').trim() !== ''
      }
      return deltas
    },
    finish: (): OutputDelta[] => (isAnswered || thought === '' ? [] : [{ content: thought }]),
  }
}

const noThinking: ThinkingState = { isOpen: false, mayOpen: false, numOpened: 0 }

const cleanDelta = (delta: OutputDelta, marks: TokenMarks): OutputDelta => {
  const { reasoning, content, toolCall } = delta
  if (reasoning !== undefined) return { reasoning: marks.clean(reasoning) }
  if (content !== undefined) return { content: marks.clean(content) }
  if (toolCall === undefined) return delta
  const { name, arguments: text } = toolCall
  if (name !== undefined) return { toolCall: { ...toolCall, name: marks.clean(name) } }
  return { toolCall: { ...toolCall, arguments: marks.clean(text ?? '') } }
}

/**
 * Parses a model's output while it grows. Whatever the text, it does not throw: what is not
 * understood is content. The deltas, joined, do not depend on how the text was cut into pushes.
 *
 * @throws EngineError `invalid-request` for an unknown parser name, at creation.
 */
export const createOutputParser = (options: OutputParserOptions): OutputParser => {
  const formats = readFormats(options)
  const { dropped, marks, ids } = formats
  const filter = createTokenFilter(marks.data(dropped))
  const splitter = createSplitter(options, formats)
  const writer = createOutputWriter(() => createCallId(ids))
  const calls = createCalls(options, formats, writer)
  const promotion = createPromotion(options, formats)
  const thinking = () => splitter?.state() ?? noThinking

  const split = (text: string, final: boolean) => {
    if (splitter === null) return calls.push(text)
    const segments = splitter.push(text)
    if (final) segments.push(...splitter.finish())
    for (const segment of segments) {
      if (segment.kind === 'reasoning') writer.reasoning(segment.text)
      else calls.push(segment.text)
    }
  }
  const take = () =>
    joinDeltas(
      writer
        .take()
        .map((delta) => cleanDelta(delta, marks))
        .filter(({ content, reasoning }) => content !== '' && reasoning !== ''),
    )
  return {
    push: (text, tokenIds = []) => {
      split(filter.push(marks.push(text, tokenIds)), false)
      return promotion.look(take())
    },
    finish: (reason) => {
      split(filter.finish(), true)
      calls.finish(reason)
      writer.finish()
      const deltas = promotion.look(take())
      return [...deltas, ...promotion.finish()]
    },
    thinking,
  }
}

/** Parses a whole output: the same code as streaming, with the deltas put together. */
export const parseOutput = (
  text: string,
  options: OutputParserOptions & { readonly finishReason?: OutputFinishReason },
): ParsedOutput => {
  const parser = createOutputParser(options)
  const reason = options.finishReason ?? 'stop'
  return collectOutput([...parser.push(text), ...parser.finish(reason)], reason)
}

/** Puts all the deltas of one output together. */
export const collectOutput = (
  deltas: readonly OutputDelta[],
  reason: OutputFinishReason,
): ParsedOutput => {
  const toolCalls: { id: string; name: string; arguments: string }[] = []
  let reasoning: string | null = null
  let content: string | null = null
  for (const delta of deltas) {
    if (delta.reasoning !== undefined) reasoning = (reasoning ?? '') + delta.reasoning
    if (delta.content !== undefined) content = (content ?? '') + delta.content
    if (delta.toolCall === undefined) continue
    const { index, id = '', name = '', arguments: piece = '' } = delta.toolCall
    const call = (toolCalls[index] ??= { id, name, arguments: '' })
    call.arguments += piece
  }
  const isEmpty = reasoning === null && toolCalls.length === 0
  return {
    reasoning,
    content: content ?? (isEmpty ? '' : null),
    toolCalls,
    finishReason: toolCalls.length > 0 && reason === 'stop' ? 'tool_calls' : reason,
  }
}
