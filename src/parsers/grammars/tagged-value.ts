import { typesOf, type Schema } from '../parameter-schemas.ts'
import { coerceText, literalText } from '../tool-schemas.ts'
import { escapeText, parseJson } from './json-text.ts'

/** What of the white space around a value is layout: one line break each side, all of it, none. */
export type ValueTrim = 'newline' | 'space' | 'none'

export type TaggedValueOptions = {
  readonly trims: ValueTrim
  /** What the tag says of the value's type: `string` or `true` for a string; null: nothing. */
  readonly typeAttribute: string | null
  readonly schema: Schema | undefined
  /** How a value is read of whose type nothing is known. */
  readonly untyped: 'string' | 'literal' | 'nested'
  /** Child elements in the value as JSON; null where there are none. */
  readonly readNested: ((text: string, schema: Schema | undefined) => string | null) | null
}

/** Takes a value's text in pieces. */
export type TaggedValue = {
  write(text: string): void
  /** The value is whole. */
  end(): void
  /** The value was broken off and is to be made valid all the same. */
  complete(): void
}

export type ValueSink = {
  /** Begins a value; called once, before its text. */
  begin(): void
  /** JSON text of the value. */
  text(json: string): void
}

/** Drops the white space around a text that comes in pieces. */
export const createTrimmer = (trims: ValueTrim, emit: (text: string) => void) => {
  let isStart = true
  let space = ''
  return (text: string) => {
    let whole = space + text
    if (isStart && whole !== '') {
      if (trims === 'space') whole = whole.trimStart()
      if (trims === 'newline' && whole.startsWith('\n')) whole = whole.slice(1)
      isStart = trims === 'space' && whole === ''
    }
    const length = {
      newline: whole.endsWith('\n') ? whole.length - 1 : whole.length,
      space: whole.trimEnd().length,
      none: whole.length,
    }[trims]
    space = whole.slice(length)
    if (length > 0) emit(whole.slice(0, length))
  }
}

/** A string goes out while it comes. */
const streamString = (trims: ValueTrim, sink: ValueSink): TaggedValue => {
  let hasBegun = false
  const begin = () => {
    if (!hasBegun) sink.begin()
    if (!hasBegun) sink.text('"')
    hasBegun = true
  }
  const write = createTrimmer(trims, (text) => {
    begin()
    sink.text(escapeText(text))
  })
  const end = () => {
    begin()
    sink.text('"')
  }
  return { write, end, complete: end }
}

/** Another value goes out when it is whole; broken off, it is left out. */
const holdValue = (
  trims: ValueTrim,
  sink: ValueSink,
  convert: (text: string) => string,
): TaggedValue => {
  let held = ''
  return {
    write: createTrimmer(trims, (text) => void (held += text)),
    end: () => {
      sink.begin()
      sink.text(convert(held))
    },
    complete: () => {},
  }
}

/**
 * Holds a value that may turn out to be an object which stands for more than itself: `take` is asked
 * for it. Anything else is the value that `create` makes of it.
 */
export const createWrapperValue = (
  take: (json: string) => boolean,
  create: () => TaggedValue,
): TaggedValue => {
  let held = ''
  const isTaken = (): boolean => {
    const json = literalText(held)
    return json.startsWith('{') && take(json)
  }
  const pass = (how: 'end' | 'complete') => {
    if (isTaken()) return
    const value = create()
    value.write(held)
    value[how]()
  }
  return {
    write: (text) => void (held += text),
    end: () => pass('end'),
    complete: () => pass('complete'),
  }
}

/** Reads a value between tags: its type is the tag's, or else the schema's. */
export const createTaggedValue = (options: TaggedValueOptions, sink: ValueSink): TaggedValue => {
  const { trims, typeAttribute, schema, untyped, readNested } = options
  if (typeAttribute !== null) {
    if (typeAttribute === 'string' || typeAttribute === 'true') return streamString(trims, sink)
    return holdValue(trims, sink, (text) =>
      parseJson(text) === undefined ? literalText(text) : text.trim(),
    )
  }
  const types = typesOf(schema)
  const isString = types.size === 1 ? types.has('string') : types.size === 0 && untyped === 'string'
  if (isString) return streamString(trims, sink)
  return holdValue(trims, sink, (text) => {
    const nested = readNested?.(text, schema) ?? null
    if (nested !== null) return nested
    return types.size === 0 && untyped === 'literal' ? literalText(text) : coerceText(text, types)
  })
}
