import {
  createMessageReader,
  type ChannelledMessages,
  type FirstMessage,
  type MessageHeader,
} from './message-reader.ts'
import {
  createReasoningWriter,
  type ReasoningSegment,
  type ReasoningSplitter,
} from './reasoning-splitter.ts'

/**
 * Tells the thinking and the answer of an output in messages apart. Calls stay in the content as
 * whole messages, for a tool parser to read.
 */
export const createChannelledSplitter = (
  format: ChannelledMessages,
  first: FirstMessage,
): ReasoningSplitter => {
  const { start, ends, keepsHeaders, trimsEnd, joiners } = format
  let segments: ReasoningSegment[] = []
  let kind: MessageHeader['kind'] | null = null
  let numOpened = 0
  let hasContent = false
  let isContentStart = false

  const emit = (of: ReasoningSegment['kind'], text: string) => {
    if (text !== '') segments.push({ kind: of, text })
  }
  const reasoning = createReasoningWriter({ trimsEnd, joiner: joiners.reasoning }, (text) =>
    emit('reasoning', text),
  )
  const content = (text: string) => {
    if (text === '') return
    if (isContentStart && hasContent) emit('content', joiners.content)
    isContentStart = false
    hasContent = true
    emit('content', text)
  }
  const callOpening = ({ raw, bodyMarker }: MessageHeader): string => {
    if (!keepsHeaders) return bodyMarker
    const header = raw.trimStart()
    return header.startsWith(start) ? header : start + header
  }
  const reader = createMessageReader(
    format,
    { bare: true, first },
    {
      begin: (header) => {
        kind = header.kind
        isContentStart = kind === 'content'
        if (kind === 'reasoning' && header !== first) numOpened += 1
        if (kind === 'call') emit('content', callOpening(header))
      },
      text: (text) => {
        if (kind === 'reasoning') reasoning.write(text)
        else if (kind === 'call') emit('content', text)
        else content(text)
      },
      end: (marker) => {
        if (kind === 'reasoning') reasoning.end()
        if (kind === 'call') emit('content', marker || (ends[0] ?? ''))
        kind = null
      },
      stray: content,
    },
  )
  const collect = (run: () => void): ReasoningSegment[] => {
    segments = []
    run()
    return segments
  }
  return {
    push: (text) => collect(() => reader.push(text)),
    finish: () => collect(() => reader.finish()),
    state: () => ({ isOpen: kind === 'reasoning', mayOpen: true, numOpened }),
  }
}
