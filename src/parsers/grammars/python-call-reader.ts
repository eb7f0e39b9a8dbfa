import type { CallEvents, CallReader, ReadResult } from './call-reader.ts'
import { quoteText } from './json-text.ts'
import { createValueReader, literalSyntax, type ValueReader } from './value-reader.ts'

/** A call as Python writes it with named arguments, `name(key=value, ...)`. */
export type PythonCall = { readonly kind: 'python' }

const isName = (text: string) => /^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(text)

/**
 * Reads one such call from the first character of its name on. It is reported with its first
 * argument's name, so that prose in brackets and calls with positional arguments stay content.
 */
export const createPythonCallReader = (events: CallEvents): CallReader => {
  let state: 'name' | 'key' | 'value' | 'after-value' = 'name'
  let name = ''
  let key = ''
  let text = ''
  let reader: ValueReader | null = null
  let isEmitted = false
  let hasArguments = false

  const announce = () => {
    if (!isEmitted) events.call(name.trimEnd())
    isEmitted = true
  }
  const give = (piece: string) => {
    if (piece === '') return
    if (text === '') {
      events.arguments(`${hasArguments ? ', ' : '{'}${quoteText(key)}: `)
      hasArguments = true
    }
    text += piece
    events.arguments(piece)
  }
  const finish = (): boolean => {
    announce()
    events.arguments(hasArguments ? '}' : '{}')
    return true
  }
  const readName = (char: string): ReadResult => {
    if (char === '(') {
      state = 'key'
      return isName(name.trimEnd()) ? 'more' : 'invalid'
    }
    name += char
    return isName(name.trimEnd()) ? 'more' : 'invalid'
  }
  const readKey = (char: string): ReadResult => {
    if (char === '=') {
      key = key.trim()
      if (!isName(key)) return 'invalid'
      announce()
      text = ''
      state = 'value'
      reader = createValueReader({ syntax: literalSyntax, emit: give })
      return 'more'
    }
    if (char === ')' && key.trim() === '') return finish() ? 'done' : 'invalid'
    key += char
    return key.trim() === '' || isName(key.trim()) ? 'more' : 'invalid'
  }
  const readAfter = (char: string): ReadResult => {
    if (char.trim() === '') return 'more'
    if (char === ')') return finish() ? 'done' : 'invalid'
    key = ''
    state = 'key'
    return char === ',' ? 'more' : 'invalid'
  }
  const readValue = (char: string): ReadResult => {
    const result = reader?.read(char) ?? 'invalid'
    if (result === 'more' || result === 'invalid') return result
    reader = null
    state = 'after-value'
    return result === 'end' ? 'more' : readAfter(char)
  }
  return {
    read: (char) => {
      if (state === 'name') return readName(char)
      if (state === 'key') return readKey(char)
      return state === 'value' ? readValue(char) : readAfter(char)
    },
    isEmitted: () => isEmitted,
    inString: () => reader?.inString() ?? false,
    end: (how) => {
      if (!isEmitted) return false
      if (how === 'cut') reader?.flush()
      else {
        reader?.complete()
        finish()
      }
      return true
    },
  }
}
