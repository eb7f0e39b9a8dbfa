import { findMarker, matchMarker } from '../marker-search.ts'

/** An output in messages, each with a header that tells what it is. */
export type ChannelledMessages = {
  readonly kind: 'channelled-messages'
  /** Begins a message. The prompt may have done so for the first, and models forget it. */
  readonly start: string
  /** Markers between the words of a header, white space aside. */
  readonly separators: readonly string[]
  /** What ends a header and begins the message's body. */
  readonly bodies: readonly string[]
  /** What ends a message. */
  readonly ends: readonly string[]
  /** Words of the header, or its body marker, that make a message thinking. */
  readonly reasoning: readonly string[]
  /** The same for calls. A recipient (`to=NAME`) makes a call too, unless it is one of these. */
  readonly calls: readonly string[]
  readonly noTools: readonly string[]
  /** A call's header matters to the tool parser, else its body marker alone. */
  readonly keepsHeaders: boolean
  /** White space at the end of the thinking is dropped. */
  readonly trimsEnd: boolean
  /** What stands between the texts of two messages of one kind. */
  readonly joiners: { readonly reasoning: string; readonly content: string }
  /** Headers with which the answer begins, behind what starts a message and says who speaks. */
  readonly answers: readonly string[]
  /** What ends the thinking when it has to end, up to the body of the answer. */
  readonly forcedEnd: string
}

export type MessageHeader = {
  readonly kind: 'reasoning' | 'content' | 'call'
  readonly recipient: string | null
  /** As written, with the body marker. */
  readonly raw: string
  readonly bodyMarker: string
}

export type MessageEvents = {
  begin(header: MessageHeader): void
  /** A piece of the body. */
  text(text: string): void
  /** `marker` is empty where the next message begins without an end of this one. */
  end(marker: string): void
  /** Text outside of messages. */
  stray(text: string): void
}

export type MessageReader = {
  push(text: string): void
  finish(): void
}

/** Headers are short lines. Whatever is longer is text: a model that writes no messages. */
const longestHeader = 200

const recipientOf = (words: readonly string[]): string | null =>
  words.find((word) => word.startsWith('to='))?.slice('to='.length) ?? null

/** Reads a header's words, in any order: what is unknown among them changes nothing. */
const readHeader = (format: ChannelledMessages, raw: string, bodyMarker: string): MessageHeader => {
  const separators = [format.start, ...format.separators, bodyMarker]
  const text = separators.reduce((rest, separator) => rest.replaceAll(separator, ' '), raw)
  const words = [...text.split(/\s+/), bodyMarker]
  const recipient = recipientOf(words)
  const [family] = recipient?.split('.') ?? []
  const isTool = family !== undefined && family !== '' && !format.noTools.includes(family)
  const has = (known: readonly string[]) => known.some((word) => words.includes(word))
  const kind =
    isTool || has(format.calls) ? 'call' : has(format.reasoning) ? 'reasoning' : 'content'
  return { kind, recipient, raw, bodyMarker }
}

/** Where an output begins: in front of a header, or in the body of a message of the prompt. */
export type FirstMessage = MessageHeader | null

/** What the prompt's end opened. */
export const readFirstMessage = (format: ChannelledMessages, promptTail: string): FirstMessage => {
  const start = promptTail.lastIndexOf(format.start)
  if (start === -1) return null
  const { at, marker } = findMarker(promptTail, format.bodies, { from: start, final: true })
  if (marker === null) return null
  const body = at + marker.length
  const isOver = findMarker(promptTail, format.ends, { from: body, final: true }).marker !== null
  return isOver ? null : readHeader(format, promptTail.slice(start, body), marker)
}

/**
 * Finds the messages of a growing text. `bare`: a message may begin without its start marker, so
 * text outside of one is a header until it proves to be none.
 */
export const createMessageReader = (
  format: ChannelledMessages,
  options: { readonly bare: boolean; readonly first: FirstMessage },
  events: MessageEvents,
): MessageReader => {
  const { start, bodies, ends } = format
  const outside = options.bare ? 'header' : 'text'
  let state: 'header' | 'body' | 'text' = options.first ? 'body' : outside
  let buffer = ''

  const take = (length: number): string => {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return text
  }
  /** The text up to there is no header. */
  const giveUp = (length: number) => {
    const text = take(length)
    const isLayout = options.bare && text.trim() === ''
    if (text !== '' && !isLayout) events.stray(text)
  }
  const stepHeader = (final: boolean): boolean => {
    const space = buffer.length - buffer.trimStart().length
    const match = matchMarker(buffer, [start], { at: space, final })
    if (match === 'partial') return false
    const from = match === 'none' ? space : space + start.length
    const { at, marker } = findMarker(buffer, [...bodies, ...ends, start], { from, final })
    const isLine = at - space <= longestHeader && !buffer.slice(space, at).includes('\n')
    if (!isLine || (marker === null && final && at === buffer.length)) {
      giveUp(at)
      state = 'text'
      return true
    }
    if (marker === null) return false
    if (!bodies.includes(marker)) {
      giveUp(at)
      if (marker !== start) {
        take(marker.length)
        state = outside
      }
      return true
    }
    events.begin(readHeader(format, take(at + marker.length), marker))
    state = 'body'
    return true
  }
  const stepBody = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, [...ends, start], { final })
    events.text(take(at))
    if (marker === null) return false
    events.end(marker === start ? '' : take(marker.length))
    state = marker === start ? 'header' : outside
    return true
  }
  const stepText = (final: boolean): boolean => {
    // Without bare headers the ends were seen to before: here they are text.
    const markers = options.bare ? [...ends, start] : [start]
    const { at, marker } = findMarker(buffer, markers, { final })
    if (at > 0) events.stray(take(at))
    if (marker === null) return false
    if (marker !== start) take(marker.length)
    state = 'header'
    return true
  }
  const run = (final: boolean) => {
    const step = (): boolean => {
      if (buffer === '') return false
      if (state === 'body') return stepBody(final)
      return state === 'header' ? stepHeader(final) : stepText(final)
    }
    while (step()) continue
  }
  if (options.first) events.begin(options.first)
  return {
    push: (text) => {
      buffer += text
      run(false)
    },
    finish: () => run(true),
  }
}
