import { findMarker, matchMarker } from '../marker-search.ts'
import {
  createReasoningWriter,
  type ReasoningSegment,
  type ReasoningSplitter,
} from './reasoning-splitter.ts'

/**
 * Where an output begins when the prompt neither opens nor closes the thinking: in reasoning, in
 * content, or as its first text says (reasoning only if that is a start marker).
 */
export type InitialState = 'reasoning' | 'content' | 'first-text'

/** Template variables that turn thinking on or off. One that says so wins over the default. */
export type ThinkingToggle = {
  readonly variables: readonly {
    readonly name: string
    /** The only values that mean on; null: all that count as true. */
    readonly on: readonly string[] | null
    /** Values that mean off all the same. */
    readonly off: readonly string[]
  }[]
  readonly default: boolean
  /** How an output is read with thinking off: untouched, or from another beginning. */
  readonly whenOff: 'untouched' | InitialState
}

/** Thinking between two markers, in front of the answer. */
export type DelimitedReasoning = {
  readonly kind: 'delimited-reasoning'
  readonly starts: readonly string[]
  /** The first is what ends the thinking when it has to end. */
  readonly ends: readonly string[]
  /** Open the thinking as the first text of an output alone. */
  readonly firstStarts: readonly string[]
  readonly initial: InitialState
  /** Markers of tool calls that end the thinking as well. From the first on all is content. */
  readonly endedBy: readonly string[]
  /** A start marker in the content opens another block. */
  readonly repeats: boolean
  /** White space at the end of the thinking is dropped. */
  readonly trimsEnd: boolean
  /** Markers around the answer, which are dropped. */
  readonly answerTags: readonly string[]
  readonly toggle: ThinkingToggle | null
  /** Thinking stays in the content, all of which this text precedes. */
  readonly contentPrefix: string | null
  /** Line breaks at the beginning of the answer are dropped. */
  readonly trimsAnswer: boolean
  /**
   * The thinking is told a second time as content where there is no other answer and no call. With
   * a `variable`, only if the request sets that template variable.
   */
  readonly promotion: { readonly variable: string | null } | null
}

/** What the prompt's end says: thinking is open, is over, or is not spoken of. */
export type PromptState = 'open' | 'closed' | 'unknown'

type Kwargs = Readonly<Record<string, unknown>>

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
  const behind = promptTail.slice(last.at + last.marker.length)
  const rest = format.answerTags.reduce((text, tag) => text.replaceAll(tag, ''), behind)
  const boundaries = specialTokens.filter((token) => !markers.includes(token))
  if (turnBoundary.test(rest) || boundaries.some((token) => rest.includes(token))) return 'unknown'
  return format.starts.includes(last.marker) ? 'open' : 'closed'
}

/**
 * Whether thinking is switched on. An open block at the prompt's end counts for more than the
 * variables: it is what the model saw.
 */
export const isThinkingOn = (
  { toggle }: DelimitedReasoning,
  promptState: PromptState,
  kwargs: Kwargs,
): boolean => {
  if (toggle === null || promptState === 'open') return true
  const said = toggle.variables.flatMap(({ name, on, off }) => {
    const value = kwargs[name]
    if (value === undefined || value === null) return []
    const isOff = off.some((word) => word === value)
    return [!isOff && (on === null ? Boolean(value) : on.some((word) => word === value))]
  })
  return said.includes(!toggle.default) ? !toggle.default : toggle.default
}

type State = 'undecided' | 'reasoning-start' | 'reasoning' | 'content-start' | 'content' | 'rest'

const firstState = (initial: InitialState, promptState: PromptState): State => {
  if (promptState === 'open') return 'reasoning-start'
  if (promptState === 'closed') return 'content-start'
  const states = {
    reasoning: 'reasoning-start',
    content: 'content-start',
    'first-text': 'undecided',
  } as const
  return states[initial]
}

export const createDelimitedSplitter = (
  format: DelimitedReasoning,
  promptState: PromptState,
  initial: InitialState = format.initial,
): ReasoningSplitter => {
  const { starts, ends, endedBy, answerTags, repeats, trimsEnd, contentPrefix } = format
  const opening = [...starts, ...format.firstStarts]
  const contentMarkers = [...(repeats ? starts : []), ...answerTags, ...endedBy]
  let state = firstState(initial, promptState)
  let numOpened = 0
  let buffer = ''
  let segments: ReasoningSegment[] = []
  let prefix = contentPrefix ?? ''

  const emit = (kind: ReasoningSegment['kind'], text: string) => {
    if (text !== '') segments.push({ kind, text })
  }
  const reasoning = createReasoningWriter({ trimsEnd, joiner: '' }, (text) =>
    emit('reasoning', text),
  )
  const take = (length: number): string => {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return text
  }
  const open = () => {
    state = 'reasoning'
    numOpened += 1
  }

  /** Where thinking or content begins: swallows a marker that stands there, space aside. */
  const stepStart = (final: boolean): boolean => {
    const at = buffer.length - buffer.trimStart().length
    if (at === buffer.length && !final) return false
    const openers = state === 'content-start' ? [] : opening
    const match = matchMarker(buffer, [...openers, ...ends, ...answerTags], { at, final })
    if (match === 'partial') return false
    if (match === 'none') {
      state = state === 'reasoning-start' ? 'reasoning' : 'content'
      if (format.trimsAnswer && state === 'content') buffer = buffer.replace(/^\n+/, '')
      return true
    }
    take(at + match.marker.length)
    if (openers.includes(match.marker)) open()
    else state = 'content-start'
    return true
  }
  const stepReasoning = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, [...ends, ...endedBy], { final })
    reasoning.write(take(at))
    if (marker === null) return false
    if (ends.includes(marker)) take(marker.length)
    reasoning.end()
    state = 'content-start'
    return true
  }
  const stepContent = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, contentMarkers, { final })
    emit('content', take(at))
    if (marker === null) return false
    if (endedBy.includes(marker)) {
      state = 'rest'
      return true
    }
    take(marker.length)
    if (!answerTags.includes(marker)) open()
    return true
  }
  const step = (final: boolean): boolean => {
    if (buffer === '') return false
    if (state === 'reasoning') return stepReasoning(final)
    if (state === 'content') return stepContent(final)
    if (state !== 'rest') return stepStart(final)
    emit('content', take(buffer.length))
    return false
  }
  const run = (text: string, final: boolean): ReasoningSegment[] => {
    buffer += text
    segments = []
    while (step(final)) continue
    if (contentPrefix === null || text === '') return contentPrefix === null ? segments : []
    const shown = prefix + text
    prefix = ''
    return [{ kind: 'content', text: shown }]
  }
  return {
    push: (text) => run(text, false),
    finish: () => run('', true),
    state: () => {
      const isOpen = state === 'reasoning' || state === 'reasoning-start'
      return { isOpen, mayOpen: state === 'undecided' || (repeats && state !== 'rest'), numOpened }
    },
  }
}
