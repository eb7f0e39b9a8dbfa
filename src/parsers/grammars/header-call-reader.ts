import type { ToolSchemas } from '../tool-schemas.ts'
import type { CallEvents, CallReader, ReadResult } from './call-reader.ts'
import { createValueReader, type ValueReader, type ValueSyntax } from './value-reader.ts'

/** A call as its name in a header, then the object of its arguments. */
export type HeaderCall = {
  readonly kind: 'header'
  /** In front of the name, if the model does not forget it. */
  readonly before: string
  /** What may stand between the name and the arguments; the first is what the model is taught. */
  readonly after: readonly string[]
  /** The header has this and a number behind the name, and is the call's id as a whole. */
  readonly counter: string | null
  readonly syntax: ValueSyntax
}

type Header = { readonly name: string; readonly id: string | null; readonly rest: string }

const readHeader = (format: HeaderCall, header: string): Header => {
  const text = header.trim()
  const start = text.startsWith(format.before) ? format.before.length : 0
  const ends = format.after.map((literal) => text.indexOf(literal, start)).filter((at) => at !== -1)
  const firstSpace = text.slice(start).search(/\S\s/)
  if (firstSpace !== -1) ends.push(start + firstSpace + 1)
  const end = Math.min(text.length, ...ends)
  const named = text.slice(start, end).trim()
  const counted = format.counter === null ? -1 : named.lastIndexOf(format.counter)
  const isCounted = counted > 0 && /^\d+$/.test(named.slice(counted + 1))
  return {
    name: isCounted ? named.slice(0, counted) : named,
    id: isCounted ? text.slice(0, end).trim() : null,
    rest: text.slice(end).trim(),
  }
}

/** Whether what stands behind the name is, or may become, what the format has there. */
const fits = (rest: string, { after }: HeaderCall) =>
  rest === '' || after.some((literal) => literal.startsWith(rest) || rest.startsWith(literal))

const readArguments = (current: ValueReader, char: string): ReadResult => {
  const result = current.read(char)
  if (result === 'invalid') return 'invalid'
  return result === 'end' ? 'done' : 'more'
}

/** Reads one such call from its header's first character on. */
export const createHeaderCallReader = (
  format: HeaderCall,
  events: CallEvents,
  schemas: ToolSchemas,
): CallReader => {
  let header = ''
  let reader: ValueReader | null = null

  const announce = (): boolean => {
    const { name, id, rest } = readHeader(format, header)
    if (name === '' || /\s/.test(name) || !fits(rest, format)) return false
    events.call(name, id ?? undefined)
    reader = createValueReader({
      syntax: format.syntax,
      emit: (text) => events.arguments(text),
      scalar: (text, field) => schemas.scalar(name, field, text),
    })
    return true
  }
  return {
    read: (char) => {
      if (reader) return readArguments(reader, char)
      if (char === '{') {
        announce()
        return reader ? readArguments(reader, char) : 'invalid'
      }
      header += char
      return fits(readHeader(format, header).rest, format) ? 'more' : 'invalid'
    },
    isEmitted: () => reader !== null,
    inString: () => reader?.inString() ?? false,
    end: (how) => {
      if (reader === null) {
        const hasNoArguments = format.after.some((literal) => header.includes(literal))
        if (how === 'cut' || !hasNoArguments || !announce()) return false
        events.arguments('{}')
        return true
      }
      if (how === 'complete') reader.complete()
      else reader.flush()
      return true
    },
  }
}
