import {
  createReasoningSplitter,
  isThinkingOn,
  readPromptState,
  type ReasoningSplitter,
} from './grammars/delimited-reasoning.ts'
import type { ToolCallParser } from './grammars/output-writer.ts'
import { findMarker } from './marker-search.ts'
import { joinDeltas, type OutputDelta } from './output-delta.ts'
import { createToolCallParser, findReasoningFormat, findToolFormat, markersOf } from './registry.ts'

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
  readonly chatTemplateKwargs?: Readonly<Record<string, unknown>> | null
  /** The end of the rendered prompt: it may have opened or closed the thinking. */
  readonly promptTail?: string
  /**
   * The special tokens of the vocabulary. Those that the formats give no meaning to, such as an
   * end of turn, are dropped from the output.
   */
  readonly specialTokens?: readonly string[]
}

/** Why the generation ended, in OpenAI's words. */
export type OutputFinishReason = 'stop' | 'length' | 'abort'

export type OutputParser = {
  /** What these tokens add. `tokenIds` are the ids of the text, for formats read from ids. */
  push(text: string, tokenIds?: readonly number[]): OutputDelta[]
  /** What was held back. Call it once, at the end. */
  finish(reason: OutputFinishReason): OutputDelta[]
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

const createCallId = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return `chatcmpl-tool-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
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

const readOptions = (options: OutputParserOptions) => {
  const { toolParser, reasoningParser, tools, toolChoice, specialTokens = [] } = options
  const toolFormat = toolParser ? findToolFormat(toolParser) : null
  const wantsCalls = toolChoice !== 'none' && tools?.length !== 0
  const reasoningFormat = reasoningParser ? findReasoningFormat(reasoningParser) : null
  const formats = [toolFormat, reasoningFormat].filter((format) => format !== null)
  const markers = formats.flatMap(markersOf)
  return {
    toolFormat: wantsCalls ? toolFormat : null,
    reasoningFormat,
    // Without a parser the text is the caller's own.
    dropped:
      formats.length === 0
        ? []
        : specialTokens.filter((token) => !markers.some((marker) => marker.includes(token))),
  }
}

const createSplitter = (options: OutputParserOptions): ReasoningSplitter | null => {
  const { reasoningFormat } = readOptions(options)
  if (reasoningFormat === null) return null
  const { promptTail = '', specialTokens = [], chatTemplateKwargs } = options
  const promptState = readPromptState(reasoningFormat, promptTail, specialTokens)
  return isThinkingOn(reasoningFormat, promptState, chatTemplateKwargs ?? {})
    ? createReasoningSplitter(reasoningFormat, promptState)
    : null
}

/** No tool format: all is content. */
const passContent: ToolCallParser = {
  push: (text) => (text === '' ? [] : [{ content: text }]),
  finish: () => [],
}

/**
 * Parses a model's output while it grows. Whatever the text, it does not throw: what is not
 * understood is content. The deltas, joined, do not depend on how the text was cut into pushes.
 *
 * @throws EngineError `invalid-request` for an unknown parser name, at creation.
 */
export const createOutputParser = (options: OutputParserOptions): OutputParser => {
  const { toolFormat, dropped } = readOptions(options)
  const filter = createTokenFilter(dropped)
  const splitter = createSplitter(options)
  const calls = toolFormat ? createToolCallParser(toolFormat, createCallId) : passContent

  const split = (text: string, final: boolean): OutputDelta[] => {
    if (splitter === null) return calls.push(text)
    const segments = splitter.push(text)
    if (final) segments.push(...splitter.finish())
    return segments.flatMap((segment) =>
      segment.kind === 'reasoning' ? [{ reasoning: segment.text }] : calls.push(segment.text),
    )
  }
  return {
    push: (text) => joinDeltas(split(filter.push(text), false)),
    finish: () => joinDeltas([...split(filter.finish(), true), ...calls.finish()]),
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
