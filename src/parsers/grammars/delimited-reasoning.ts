import { findMarker, matchMarker } from '../marker-search.ts'

/** Thinking between two markers, in front of the answer. */
export type DelimitedReasoning = {
  readonly kind: 'delimited-reasoning'
  readonly starts: readonly string[]
  readonly ends: readonly string[]
  /**
   * Where an output begins when the prompt neither opens nor closes the thinking: in reasoning, in
   * content, or as its first text says (reasoning only if that is a start marker).
   */
  readonly initial: 'reasoning' | 'content' | 'first-text'
  /** Markers of tool calls that end the thinking as well; they stay in the content. */
  readonly endedBy: readonly string[]
  /** A start marker in the content opens another block. */
  readonly repeats: boolean
  /** White space at the end of the thinking is dropped. */
  readonly trimsEnd: boolean
  /** Template variables that turn thinking on or off, and what holds when none is given. */
  readonly toggle: { readonly names: readonly string[]; readonly default: boolean } | null
}

export type ReasoningSegment = {
  readonly kind: 'reasoning' | 'content'
  readonly text: string
}

/** Splits a growing text. Text comes out in order; what may be a marker is held back. */
export type ReasoningSplitter = {
  push(text: string): ReasoningSegment[]
  finish(): ReasoningSegment[]
}

/** What the prompt's end says: thinking is open, is over, or is not spoken of. */
export type PromptState = 'open' | 'closed' | 'unknown'

/** Turn ends of common chat formats, for callers that give no list of special tokens. */
const turnBoundary = /<\|[^|<>]+\|>|<｜[^｜<>]+｜>|\[\/?INST\]|<(?:start|end)_of_turn>|<\/s>/u

/**
 * Reads the state from the last marker of the prompt. A marker in front of a turn's end belongs to
 * an earlier message and says nothing.
 */
export const readPromptState = (
  format: DelimitedReasoning,
  promptTail: string,
  specialTokens: readonly string[],
): PromptState => {
  const markers = [...format.starts, ...format.ends]
  const places = markers.map((marker) => ({ marker, at: promptTail.lastIndexOf(marker) }))
  const last = places.reduce((a, b) => (b.at > a.at ? b : a), { marker: '', at: -1 })
  if (last.at === -1) return 'unknown'
  const rest = promptTail.slice(last.at + last.marker.length)
  const boundaries = specialTokens.filter((token) => !markers.includes(token))
  if (turnBoundary.test(rest) || boundaries.some((token) => rest.includes(token))) return 'unknown'
  return format.starts.includes(last.marker) ? 'open' : 'closed'
}

/**
 * Whether the format's thinking is switched on. Off, the output passes untouched. An open block
 * at the prompt's end counts for more than the variables: it is what the model saw.
 */
export const isThinkingOn = (
  format: DelimitedReasoning,
  promptState: PromptState,
  kwargs: Readonly<Record<string, unknown>>,
): boolean => {
  if (format.toggle === null || promptState === 'open') return true
  const given = format.toggle.names.map((name) => kwargs[name]).find((v) => v !== undefined)
  return given === undefined ? format.toggle.default : Boolean(given)
}

type State = 'undecided' | 'reasoning-start' | 'reasoning' | 'content-start' | 'content'

const initialState = (format: DelimitedReasoning, promptState: PromptState): State => {
  if (promptState === 'open') return 'reasoning-start'
  if (promptState === 'closed') return 'content-start'
  const states = {
    reasoning: 'reasoning-start',
    content: 'content-start',
    'first-text': 'undecided',
  } as const
  return states[format.initial]
}

/**
 * Thinking of white space alone is none: an empty block is how templates and models skip it. So
 * space is held back at its beginning, and at its end where the format trims it.
 */
const createReasoningWriter = (trimsEnd: boolean, emit: (text: string) => void) => {
  let hasText = false
  let space = ''
  return {
    write: (text: string) => {
      const whole = space + text
      const isBlank = whole.trim() === ''
      hasText ||= !isBlank
      const kept = isBlank && !hasText ? whole : trimsEnd ? whole.slice(whole.trimEnd().length) : ''
      space = kept
      emit(whole.slice(0, whole.length - kept.length))
    },
    end: () => {
      hasText = false
      space = ''
    },
  }
}

export const createReasoningSplitter = (
  format: DelimitedReasoning,
  promptState: PromptState,
): ReasoningSplitter => {
  let state = initialState(format, promptState)
  let buffer = ''
  let segments: ReasoningSegment[] = []

  const emit = (kind: ReasoningSegment['kind'], text: string) => {
    if (text !== '') segments.push({ kind, text })
  }
  const reasoning = createReasoningWriter(format.trimsEnd, (text) => emit('reasoning', text))
  const take = (length: number): string => {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return text
  }

  /** Where thinking or content begins: swallows a marker that stands there, space aside. */
  const stepStart = (final: boolean): boolean => {
    const at = buffer.length - buffer.trimStart().length
    if (at === buffer.length && !final) return false
    const markers = [...(state === 'content-start' ? [] : format.starts), ...format.ends]
    const match = matchMarker(buffer, markers, { at, final })
    if (match === 'partial') return false
    if (match === 'none') {
      state = state === 'reasoning-start' ? 'reasoning' : 'content'
      return true
    }
    take(at + match.marker.length)
    state = format.starts.includes(match.marker) ? 'reasoning' : 'content-start'
    return true
  }
  const stepReasoning = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, [...format.ends, ...format.endedBy], { final })
    reasoning.write(take(at))
    if (marker === null) return false
    if (format.ends.includes(marker)) take(marker.length)
    reasoning.end()
    state = 'content-start'
    return true
  }
  const stepContent = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, format.repeats ? format.starts : [], { final })
    emit('content', take(at))
    if (marker === null) return false
    take(marker.length)
    state = 'reasoning'
    return true
  }
  const run = (final: boolean): ReasoningSegment[] => {
    segments = []
    const step = (): boolean => {
      if (buffer === '') return false
      if (state === 'reasoning') return stepReasoning(final)
      return state === 'content' ? stepContent(final) : stepStart(final)
    }
    while (step()) continue
    return segments
  }
  return {
    push: (text) => {
      buffer += text
      return run(false)
    },
    finish: () => run(true),
  }
}
