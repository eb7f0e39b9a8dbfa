import { escapeText, isSpace, parseJson, quoteText, scalarText } from './json-text.ts'

/** How values are written where it is not as in JSON or Python. */
export type ValueSyntax = {
  /**
   * What opens and closes strings. Strings between quotes of one character have escapes, those
   * between longer ones are verbatim.
   */
  readonly quotes: readonly string[]
}

export const literalSyntax: ValueSyntax = { quotes: ['"', "'"] }

export type ValueReaderOptions = {
  readonly syntax: ValueSyntax
  readonly emit: (json: string) => void
  /** A bare word as JSON, by the name of the object's field that holds it. */
  readonly scalar?: (text: string, field: string | null) => string
}

/**
 * `end`: the value is over with this character, `before`: it ended in front of it, `invalid`: the
 * character does not belong there.
 */
export type ValueResult = 'more' | 'end' | 'before' | 'invalid'

type Frame = {
  isObject: boolean
  /** The character that closes it in the text. */
  readonly close: string
  expects: 'key' | 'colon' | 'value' | 'separator'
  hasMembers: boolean
  key: string
}

type OpenString = {
  readonly quote: string
  readonly isKey: boolean
  escape: string
  /** What may be the closing quote: its beginning, or a whole one with the white space after it. */
  closing: string
}

const words = ['true', 'false', 'null']
const openers: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' }
const closers = '}])'

/** An escape sequence as JSON has it; null while it is unfinished. */
const readEscape = (text: string): string | null => {
  const kind = text.charAt(1)
  if (kind === '') return null
  if ('"\\/bfnrt'.includes(kind)) return text
  if (kind === "'") return "'"
  const length = kind === 'u' ? 6 : kind === 'x' ? 4 : 0
  const digits = text.slice(2)
  if (length === 0 || !/^[\da-f]*$/i.test(digits)) return `\\\\${escapeText(text.slice(1))}`
  if (text.length < length) return null
  return `\\u${digits.padStart(4, '0')}`
}

/**
 * Reads one value written as in JSON or Python, a character at a time, and emits it as JSON while
 * it comes. Valid JSON comes out as it is, byte for byte. What small models get wrong is put
 * right: quotes not escaped, raw line breaks, single quotes, bare words, trailing and missing
 * commas, brackets left open.
 *
 * Whenever the reader is asked to, it can complete what it has emitted: a field's name is held
 * back until its value begins, a number or word until it ends.
 */
export const createValueReader = ({ syntax, emit, scalar = scalarText }: ValueReaderOptions) => {
  const frames: Frame[] = []
  let held = ''
  /** How many of the frames have been emitted; only the innermost may not have been. */
  let numOpened = 0
  let string: OpenString | null = null
  let word = ''
  let opening = ''

  const release = (text: string) => {
    emit(held + text)
    held = ''
    numOpened = frames.length
  }
  const startMember = (frame: Frame | undefined) => {
    if (frame === undefined) return
    frame.expects = 'separator'
    frame.hasMembers = true
  }
  /** Forgets a field that has no value. */
  const dropField = (frame: Frame) => {
    held = frames.length > numOpened ? '{' : ''
    frame.expects = frame.hasMembers ? 'separator' : 'key'
  }
  /** A set has turned up where an object was expected. */
  const becomeList = (frame: Frame, first: string) => {
    held = `[${first}`
    frame.isObject = false
    startMember(frame)
    release('')
  }
  const settleField = (frame: Frame) => {
    const isFirst = frame.expects === 'colon' && !frame.hasMembers
    if (isFirst && frames.length > numOpened) becomeList(frame, frame.key)
    else if (frame.isObject && (frame.expects === 'colon' || frame.expects === 'value')) {
      dropField(frame)
    }
  }

  const closeFrame = (frame: Frame) => {
    settleField(frame)
    held = held.replace(',', '')
    release(frame.isObject ? '}' : ']')
    frames.pop()
    numOpened = frames.length
  }
  const close = (char: string): ValueResult => {
    const at = frames.findLastIndex((frame) => frame.close === char)
    if (at === -1) return 'invalid'
    for (const frame of frames.slice(at).toReversed()) closeFrame(frame)
    return frames.length === 0 ? 'end' : 'more'
  }
  const separate = (frame: Frame): ValueResult => {
    settleField(frame)
    if (frame.expects === 'separator') {
      held += ','
      frame.expects = frame.isObject ? 'key' : 'value'
    }
    return 'more'
  }

  const beginString = (quote: string, frame: Frame | undefined) => {
    const isKey = frame?.expects === 'key'
    string = { quote, isKey, escape: '', closing: '' }
    if (isKey) {
      frame.key = ''
      held += '"'
    } else {
      startMember(frame)
      release('"')
    }
  }
  const beginValue = (char: string, frame: Frame | undefined): ValueResult => {
    const closer = openers[char]
    if (closer !== undefined) {
      if (frame?.expects === 'key') return 'invalid'
      startMember(frame)
      release('')
      const isObject = char === '{'
      const expects = isObject ? 'key' : 'value'
      frames.push({ isObject, close: closer, expects, hasMembers: false, key: '' })
      held = isObject ? '{' : '['
      if (!isObject) release('')
      return 'more'
    }
    opening = char
    return readOpening(frame)
  }
  /** Tells a quote from a bare word. */
  const readOpening = (frame: Frame | undefined): ValueResult => {
    if (syntax.quotes.includes(opening)) {
      beginString(opening, frame)
      opening = ''
    } else if (!syntax.quotes.some((quote) => quote.startsWith(opening))) {
      word = opening
      opening = ''
    }
    return 'more'
  }
  const readStructure = (char: string): ValueResult => {
    const frame = frames.at(-1)
    if (isSpace(char)) {
      if (frame) held += char
      return 'more'
    }
    if (frame === undefined) {
      return char === ',' || closers.includes(char) ? 'before' : beginValue(char, frame)
    }
    if (closers.includes(char)) return close(char)
    if (char === ',') return separate(frame)
    if (frame.expects === 'colon') {
      if (char !== ':') return 'invalid'
      held += char
      frame.expects = 'value'
      return 'more'
    }
    if (frame.expects === 'separator') {
      held += ','
      frame.expects = frame.isObject ? 'key' : 'value'
    }
    return beginValue(char, frame)
  }

  const readScalar = (text: string): string => {
    const frame = frames.at(-1)
    const field = frames.length === 1 && frame?.isObject ? parseJson(frame.key) : null
    return scalar(text, typeof field === 'string' ? field : null)
  }
  const endWord = () => {
    const text = word.trimEnd()
    const space = word.slice(text.length)
    const frame = frames.at(-1)
    word = ''
    if (frame?.expects === 'key') {
      frame.key = scalar(text, null)
      held += quoteText(text) + space
      frame.expects = 'colon'
      return
    }
    const json = readScalar(text)
    startMember(frame)
    release(json)
    if (frame) held += space
  }
  const readWord = (char: string): ValueResult => {
    const isKey = frames.at(-1)?.expects === 'key'
    if (char === ',' || closers.includes(char) || (isKey && char === ':')) {
      endWord()
      return frames.length === 0 ? 'before' : readStructure(char)
    }
    if (syntax.quotes.includes(char) && /^[bfru]{1,2}$/i.test(word)) {
      word = ''
      beginString(char, frames.at(-1))
      return 'more'
    }
    if (char in openers || char === '"') return 'invalid'
    word += char
    return 'more'
  }

  const put = (current: OpenString, text: string) => {
    if (current.isKey) held += text
    else emit(text)
    const frame = frames.at(-1)
    if (current.isKey && frame) frame.key += text
  }
  const endString = (current: OpenString, space: string) => {
    const frame = frames.at(-1)
    put(current, '"')
    string = null
    if (frame === undefined) return
    held += space
    if (!current.isKey) return
    frame.key = `"${frame.key}`
    frame.expects = 'colon'
  }
  /** A quote closes its string only in front of what may follow a string. */
  const readClosing = (current: OpenString, char: string): ValueResult => {
    if (isSpace(char)) {
      current.closing += char
      return 'more'
    }
    if (char === ':' || char === ',' || closers.includes(char)) {
      endString(current, current.closing.slice(1))
      return frames.length === 0 ? 'before' : readStructure(char)
    }
    put(current, escapeText(current.closing))
    current.closing = ''
    return readString(current, char)
  }
  const readLongClosing = (current: OpenString, char: string): ValueResult => {
    current.closing += char
    if (current.closing === current.quote) {
      endString(current, '')
      return frames.length === 0 ? 'end' : 'more'
    }
    while (!current.quote.startsWith(current.closing)) {
      put(current, escapeText(current.closing.charAt(0)))
      current.closing = current.closing.slice(1)
    }
    return 'more'
  }
  const readString = (current: OpenString, char: string): ValueResult => {
    if (current.quote.length > 1) return readLongClosing(current, char)
    if (current.escape !== '') {
      current.escape += char
      const escape = readEscape(current.escape)
      if (escape === null) return 'more'
      current.escape = ''
      put(current, escape)
    } else if (current.closing !== '') return readClosing(current, char)
    else if (char === current.quote && current.isKey) endString(current, '')
    else if (char === current.quote) current.closing = char
    else if (char === '\\') current.escape = char
    else put(current, escapeText(char))
    return 'more'
  }

  return {
    read: (char: string): ValueResult => {
      if (string) return readString(string, char)
      if (word !== '') return readWord(char)
      if (opening === '') return readStructure(char)
      opening += char
      return readOpening(frames.at(-1))
    },
    /** Inside a string a marker's characters are text. */
    inString: () => string !== null && (string.quote.length > 1 || string.closing === ''),
    /** No more follows: closes what is open, so that the emitted text is valid JSON. */
    complete: () => {
      const frame = frames.at(-1)
      if (string && !string.isKey) endString(string, '')
      if (word !== '' && frame?.expects !== 'key') endWord()
      if (frame?.expects === 'key' || frame?.expects === 'colon') dropField(frame)
      for (const frame of frames.toReversed()) closeFrame(frame)
    },
    /** The text was cut off: emits what is held back, as far as the value's JSON begins so. */
    flush: () => {
      const quote = string && string.quote.length === 1 ? string.closing : ''
      const isJson = words.some((known) => known.startsWith(word)) || readScalar(word) === word
      emit(held + quote + (isJson && frames.at(-1)?.expects !== 'key' ? word : ''))
    },
  }
}

export type ValueReader = ReturnType<typeof createValueReader>
