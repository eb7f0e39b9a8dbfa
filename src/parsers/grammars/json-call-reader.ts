/** What a reader reports while it reads. */
export type CallEvents = {
  /** Once a call, before its arguments. */
  call(name: string): void
  /** Raw argument text as generated, in pieces. */
  arguments(text: string): void
}

export type CallKeys = {
  readonly name: string
  readonly arguments: readonly string[]
  /** An object without arguments is no call (bare JSON could be an answer). */
  readonly requiresArguments: boolean
}

type State =
  | 'key'
  | 'key-text'
  | 'colon'
  | 'value'
  | 'name-text'
  | 'skip'
  | 'stream'
  | 'hold'
  | 'after-value'

/** `invalid`: the character does not belong to the object; `done`: it was its last one. */
export type ReadResult = 'more' | 'done' | 'invalid'

const isSpace = (char: string) => char === ' ' || char === '\n' || char === '\r' || char === '\t'

const closers: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

const parseText = (json: string): string | null => {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Arguments that are not an object: null and "" stand for none, and a string that holds JSON (some
 * models encode twice) for the JSON in it. Anything else is passed on as generated.
 */
const unwrapArguments = (raw: string): string => {
  if (raw === 'null') return '{}'
  const text = parseText(raw)
  if (text === null) return raw
  if (text.trim() === '') return '{}'
  return text.trimStart().startsWith('{') && isJson(text) ? text : raw
}

/** Follows one JSON value through its strings and brackets; its grammar is not checked. */
const createValueTracker = () => {
  let open: string[] = []
  let inString = false
  let escaped = false
  return {
    reset: () => {
      open = []
      inString = false
      escaped = false
    },
    inString: () => inString,
    /** Brackets that would close what is open, innermost first. */
    missingClosers: () => open.toReversed().join(''),
    /** `end`: the value is over with this character, `before`: it ended in front of it. */
    take: (char: string): 'inside' | 'end' | 'before' => {
      if (inString) {
        if (escaped) escaped = false
        else if (char === '\\') escaped = true
        else if (char === '"') inString = false
        return inString || open.length > 0 ? 'inside' : 'end'
      }
      if (open.length === 0 && (char === ',' || char === '}' || char === ']' || isSpace(char))) {
        return 'before'
      }
      const closer = closers[char]
      if (char === '"') inString = true
      else if (closer !== undefined) open.push(closer)
      else if (char === '}' || char === ']') {
        open.pop()
        return open.length === 0 ? 'end' : 'inside'
      }
      return 'inside'
    },
  }
}

/**
 * Reads one call object, `{"name": ..., "arguments": ...}` in either order, a character at a time
 * (the first one, `{`, is taken as read). Object and list arguments come out as they are read,
 * once the name is known; other keys are skipped.
 */
export const createCallReader = (keys: CallKeys, events: CallEvents) => {
  const tracker = createValueTracker()
  let state: State = 'key'
  let key = ''
  let text = ''
  let name: string | null = null
  let heldArguments: string | null = null
  let isEmitted = false
  let hasArguments = false

  const announce = () => {
    if (isEmitted || name === null) return
    isEmitted = true
    events.call(name)
    if (heldArguments !== null) events.arguments(heldArguments)
  }
  const give = (piece: string) => {
    if (isEmitted) events.arguments(piece)
    else heldArguments = (heldArguments ?? '') + piece
  }
  const startValue = (char: string): ReadResult => {
    if (isSpace(char)) return 'more'
    tracker.reset()
    if (key === keys.name && name === null && char === '"') {
      tracker.take(char)
      text = char
      state = 'name-text'
      return 'more'
    }
    const isArguments = keys.arguments.includes(key) && !hasArguments
    if (isArguments) {
      hasArguments = true
      announce()
    }
    state = !isArguments ? 'skip' : char in closers ? 'stream' : 'hold'
    text = ''
    return readValue(char)
  }
  const readValue = (char: string): ReadResult => {
    const step = tracker.take(char)
    if (step === 'before' && text === '') return 'invalid'
    if (step !== 'before') {
      if (state === 'stream') give(char)
      else text += char
    }
    if (step === 'inside') return 'more'
    if (state === 'hold') give(unwrapArguments(text))
    state = 'after-value'
    return step === 'before' ? read(char) : 'more'
  }
  const readText = (char: string): ReadResult => {
    // A line break in a key or name means that the closing quote is missing.
    if (char < ' ') return 'invalid'
    text += char
    if (tracker.take(char) !== 'end') return 'more'
    const value = parseText(text)
    if (value === null) return 'invalid'
    if (state === 'key-text') {
      key = value
      state = 'colon'
      return 'more'
    }
    if (value === '') return 'invalid'
    name = value
    state = 'after-value'
    if (hasArguments) announce()
    return 'more'
  }
  /** Settles the call at the object's end. False: the object is no call. */
  const finish = (): boolean => {
    if (name === null || (keys.requiresArguments && !hasArguments)) return false
    announce()
    if (!hasArguments) events.arguments('{}')
    hasArguments = true
    return true
  }
  const read = (char: string): ReadResult => {
    switch (state) {
      case 'key-text':
      case 'name-text':
        return readText(char)
      case 'skip':
      case 'stream':
      case 'hold':
        return readValue(char)
      case 'value':
        return startValue(char)
    }
    if (isSpace(char)) return 'more'
    if (state === 'colon') {
      state = 'value'
      return char === ':' ? 'more' : 'invalid'
    }
    if (char === '}') return finish() ? 'done' : 'invalid'
    if (state === 'after-value') {
      state = 'key'
      return char === ',' ? 'more' : 'invalid'
    }
    if (char !== '"') return 'invalid'
    tracker.reset()
    tracker.take(char)
    text = char
    state = 'key-text'
    return 'more'
  }
  return {
    read,
    isEmitted: () => isEmitted,
    /** Inside a string a marker's characters are text. */
    inString: () => tracker.inString(),
    /**
     * No more of the object follows. `isComplete` says that the model thinks it whole: what is
     * still open in its arguments is then closed. False: no call came out of it.
     */
    end: (isComplete: boolean): boolean => {
      if (state === 'hold') give(isComplete ? unwrapArguments(text) : text)
      if (isComplete && state === 'stream') give(tracker.missingClosers())
      return isComplete ? finish() : isEmitted
    },
  }
}

export type CallReader = ReturnType<typeof createCallReader>
