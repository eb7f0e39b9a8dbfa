export type ReasoningSegment = {
  readonly kind: 'reasoning' | 'content'
  readonly text: string
}

/** Where the thinking stands after the text so far. */
export type ThinkingState = {
  /** What comes next is thinking, unless a marker says otherwise. */
  readonly isOpen: boolean
  /** Thinking may begin yet, or again. */
  readonly mayOpen: boolean
  /** Markers in the output that opened thinking; the prompt's are not among them. */
  readonly numOpened: number
}

/** Splits a growing text. Text comes out in order; what may be a marker is held back. */
export type ReasoningSplitter = {
  push(text: string): ReasoningSegment[]
  finish(): ReasoningSegment[]
  state(): ThinkingState
}

export type ReasoningWriter = {
  write(text: string): void
  /** A block of thinking is over. */
  end(): void
}

/**
 * Thinking of white space alone is none: an empty block is how templates and models skip it. So
 * space is held back at its beginning, and at its end where the format trims it. `joiner` stands
 * between the texts of two blocks.
 */
export const createReasoningWriter = (
  { trimsEnd, joiner }: { readonly trimsEnd: boolean; readonly joiner: string },
  emit: (text: string) => void,
): ReasoningWriter => {
  let numBlocks = 0
  let hasText = false
  let space = ''
  return {
    write: (text) => {
      const whole = space + text
      const isBlank = whole.trim() === ''
      if (!isBlank && !hasText) {
        hasText = true
        numBlocks += 1
        if (numBlocks > 1) emit(joiner)
      }
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
