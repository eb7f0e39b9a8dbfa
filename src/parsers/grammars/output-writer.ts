import type { OutputDelta } from '../output-delta.ts'
import type { CallEvents } from './call-reader.ts'

/** Why the generation ended, in OpenAI's words. */
export type OutputFinishReason = 'stop' | 'length' | 'abort'

/** Finds the calls in a growing text, the rest of which is content, and writes down both. */
export type ToolCallParser = {
  push(text: string): void
  finish(reason: OutputFinishReason): void
}

/** Collects what a tool call grammar finds, in order. */
export type OutputWriter = CallEvents & {
  reasoning(text: string): void
  content(text: string): void
  /** Content that stays as it is, white space too, and has no part in what is layout. */
  readonly verbatim: (text: string) => void
  /** A marker that is dropped: lone white space in front of it is layout too. */
  layout(): void
  /** A marker that is dropped next to a call, and else content. */
  wrapper(marker: string): void
  /** What an output that stops has of one more call: dropped behind calls, else content. */
  rest(text: string): void
  /** The deltas since the last call of this. */
  take(): OutputDelta[]
  /** Releases held white space where there was no call for it to surround. */
  finish(): void
}

/**
 * White space that stands alone between calls, or between them and an end of the output, is layout
 * and dropped; other content stays verbatim.
 */
export const createOutputWriter = (createId: () => string): OutputWriter => {
  let deltas: OutputDelta[] = []
  let numCalls = 0
  let hasText = false
  /** White space and wrappers: dropped if a call comes next, content if text does. */
  let held = ''
  let holdsWrapper = false

  const release = (text: string) => {
    if (held + text !== '') deltas.push({ content: held + text })
    held = ''
    holdsWrapper = false
  }
  const forget = () => {
    held = ''
    holdsWrapper = false
  }
  return {
    reasoning: (text) => void deltas.push({ reasoning: text }),
    verbatim: (text) => {
      if (text !== '') deltas.push({ content: text })
    },
    content: (text) => {
      const isBlank = text.trim() === ''
      hasText ||= !isBlank
      if (isBlank && (!hasText || holdsWrapper)) held += text
      else release(text)
    },
    rest: (text) => {
      if (numCalls === 0) release(text)
    },
    layout: () => {
      if (!hasText) forget()
    },
    wrapper: (marker) => {
      if (numCalls > 0 && !hasText && !holdsWrapper) return forget()
      held += marker
      holdsWrapper = true
    },
    call: (name, id) => {
      hasText = false
      forget()
      deltas.push({ toolCall: { index: numCalls, id: id ?? createId(), name } })
      numCalls++
    },
    arguments: (text) => {
      if (text !== '') deltas.push({ toolCall: { index: numCalls - 1, arguments: text } })
    },
    take: () => {
      const taken = deltas
      deltas = []
      return taken
    },
    finish: () => {
      if (numCalls === 0) release('')
    },
  }
}
