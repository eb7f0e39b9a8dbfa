import type { OutputDelta } from '../output-delta.ts'

/** Finds the calls in a growing text, the rest of which is content. */
export type ToolCallParser = {
  push(text: string): OutputDelta[]
  finish(): OutputDelta[]
}

/**
 * Collects what a tool call grammar finds, in order. White space that stands alone between calls,
 * or between them and an end of the output, is layout and dropped; other content stays verbatim.
 */
export const createOutputWriter = (createId: () => string) => {
  let deltas: OutputDelta[] = []
  let numCalls = 0
  let hasText = false
  let space = ''
  return {
    content: (text: string) => {
      const whole = space + text
      hasText ||= text.trim() !== ''
      space = hasText ? '' : whole
      if (hasText && whole !== '') deltas.push({ content: whole })
    },
    call: (name: string) => {
      hasText = false
      space = ''
      deltas.push({ toolCall: { index: numCalls, id: createId(), name } })
      numCalls++
    },
    arguments: (text: string) => {
      if (text !== '') deltas.push({ toolCall: { index: numCalls - 1, arguments: text } })
    },
    /** The deltas since the last call of this. */
    take: (): OutputDelta[] => {
      const taken = deltas
      deltas = []
      return taken
    },
    /** Releases held white space where there was no call for it to surround. */
    finish: () => {
      if (numCalls === 0 && space !== '') deltas.push({ content: space })
      space = ''
    },
  }
}

export type OutputWriter = ReturnType<typeof createOutputWriter>
