import type { CallEvents, CallReader, ReadResult } from './call-reader.ts'
import { isSpace, parseJson } from './json-text.ts'
import { createValueReader, literalSyntax, type ValueReader } from './value-reader.ts'

/** A call as an object. */
export type CallKeys = {
  readonly kind: 'object'
  /** The key that holds the name; null: the name itself is the key of the arguments. */
  readonly name: string | null
  readonly arguments: readonly string[]
  /** An object without arguments is no call (bare JSON could be an answer). */
  readonly requiresArguments: boolean
}

/**
 * Arguments that are not an object: null and "" stand for none, and a string that holds JSON (some
 * models encode twice) for the JSON in it. Anything else is passed on as generated.
 */
const unwrapArguments = (json: string): string => {
  const value = parseJson(json)
  if (value === null || value === undefined) return '{}'
  if (typeof value !== 'string') return json
  if (value.trim() === '') return '{}'
  return value.trimStart().startsWith('{') && parseJson(value) !== undefined ? value : json
}

type Role = 'key' | 'name' | 'arguments' | 'other'

/**
 * Reads one call object, `{"name": ..., "arguments": ...}` in either order (the first character,
 * `{`, is taken as read). Object and list arguments come out as they are read, once the name is
 * known; other keys are skipped.
 */
export const createJsonCallReader = (keys: CallKeys, events: CallEvents): CallReader => {
  let state: 'key' | 'colon' | 'value' | 'after-value' = 'key'
  let part: {
    readonly role: Role
    readonly reader: ValueReader
    readonly streams: boolean
  } | null = null
  let key = ''
  let text = ''
  let name: string | null = null
  let heldArguments = ''
  let isEmitted = false
  let hasArguments = false

  const announce = () => {
    if (isEmitted || name === null) return
    isEmitted = true
    events.call(name)
    events.arguments(heldArguments)
  }
  const give = (piece: string) => {
    if (isEmitted) events.arguments(piece)
    else heldArguments += piece
  }
  const roleOfValue = (): Role => {
    if (keys.name === null) name ??= key === '' ? null : key
    const isName = key === keys.name && name === null
    if (isName) return 'name'
    const isArguments = keys.name === null ? key === name : keys.arguments.includes(key)
    return isArguments && !hasArguments ? 'arguments' : 'other'
  }
  const begin = (role: Role, char: string): ReadResult => {
    const streams = role === 'arguments' && '{['.includes(char)
    const emit = streams ? give : (piece: string) => void (text += piece)
    text = ''
    part = { role, streams, reader: createValueReader({ syntax: literalSyntax, emit }) }
    if (role === 'arguments') {
      hasArguments = true
      announce()
    }
    return readPart(char)
  }
  /** A key, name or other value has ended. */
  const endPart = (role: Role, streams: boolean): boolean => {
    part = null
    state = role === 'key' ? 'colon' : 'after-value'
    if (role === 'arguments' && !streams) give(unwrapArguments(text))
    if (role !== 'key' && role !== 'name') return true
    const value = parseJson(text)
    if (typeof value !== 'string') return false
    if (role === 'key') key = value
    else name = value
    if (role === 'name' && hasArguments && value !== '') announce()
    return role === 'key' || value !== ''
  }
  const readPart = (char: string): ReadResult => {
    if (part === null) return 'invalid'
    const { role, reader, streams } = part
    // A line break in a key or name means that the closing quote is missing.
    if ((role === 'key' || role === 'name') && char < ' ' && reader.inString()) return 'invalid'
    const result = reader.read(char)
    if (result === 'more' || result === 'invalid') return result
    const isStart = text === '' && !streams
    if (isStart || !endPart(role, streams)) return 'invalid'
    return result === 'end' ? 'more' : readStructure(char)
  }
  /** Settles the call at the object's end. False: the object is no call. */
  const finish = (): boolean => {
    if (name === null || (keys.requiresArguments && !hasArguments)) return false
    announce()
    if (!hasArguments) events.arguments('{}')
    hasArguments = true
    return true
  }
  const readStructure = (char: string): ReadResult => {
    if (isSpace(char)) return 'more'
    if (state === 'colon') {
      state = 'value'
      return char === ':' ? 'more' : 'invalid'
    }
    if (state === 'value') return begin(roleOfValue(), char)
    if (char === '}') return finish() ? 'done' : 'invalid'
    if (state === 'after-value') {
      state = 'key'
      return char === ',' ? 'more' : 'invalid'
    }
    return char === '"' || char === "'" ? begin('key', char) : 'invalid'
  }
  return {
    read: (char) => (part ? readPart(char) : readStructure(char)),
    isEmitted: () => isEmitted,
    inString: () => part?.reader.inString() ?? false,
    end: (how) => {
      if (part?.role === 'arguments') {
        if (how === 'complete') part.reader.complete()
        else part.reader.flush()
        if (!part.streams) give(how === 'complete' ? unwrapArguments(text) : text)
      }
      part = null
      return how === 'complete' ? finish() : isEmitted
    },
  }
}
