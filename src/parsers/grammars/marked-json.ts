import { findMarker, matchMarker } from '../marker-search.ts'
import { createCallReader, type CallKeys, type CallReader } from './json-call-reader.ts'
import { createOutputWriter, type ToolCallParser } from './output-writer.ts'

/** A marker that opens calls. */
export type JsonCallOpening = {
  readonly marker: string
  /** What ends the calls; null: they end where their JSON does. */
  readonly close: string | null
  /** The marker is content all the same. */
  readonly isContent?: boolean
}

/** Tool calls as JSON objects, alone or in a list, between markers or bare. */
export type MarkedJson = {
  readonly kind: 'marked-json'
  readonly openings: readonly JsonCallOpening[]
  /** An output that begins with this character begins with calls. */
  readonly bare: '{' | '[' | null
  /** Characters that may stand between two objects, white space aside. */
  readonly separators: string
  readonly keys: CallKeys
}

/** A stretch of text that an opening, or bare JSON, declares to be calls. */
type Region = {
  readonly close: string | null
  /** What was read since the last call: content again should no call come of it. */
  raw: string
  inList: boolean
  hasCalls: boolean
  reader: CallReader | null
}

const openRegion = (close: string | null, raw: string): Region => ({
  close,
  raw,
  inList: false,
  hasCalls: false,
  reader: null,
})

/** Between two objects: whether the character belongs there. Begins the next object at its `{`. */
const readBetween = (region: Region, char: string, begin: () => CallReader, format: MarkedJson) => {
  const { inList, hasCalls } = region
  const isSeparator = hasCalls && (format.separators.includes(char) || (inList && char === ','))
  if (char === '{') region.reader = begin()
  else if (char === '[' && !inList && !hasCalls) region.inList = true
  else if (hasCalls && (char === ']' || char === '}')) {
    // The list's end, or one bracket too many: small models often lose count.
    region.raw = ''
    return true
  } else if (!isSeparator && char.trim() !== '') return false
  region.raw += char
  return true
}

/** Reads one character of the object at hand. False: the region is over in front of it. */
const readObject = (region: Region, reader: CallReader, char: string): boolean => {
  const result = reader.read(char)
  if (result === 'invalid') {
    if (reader.isEmitted()) endObject(region, reader, true)
    return false
  }
  region.raw += char
  if (result === 'done') endObject(region, reader, true)
  return true
}

const endObject = (region: Region, reader: CallReader, isComplete: boolean) => {
  if (!reader.end(isComplete)) return
  region.reader = null
  region.hasCalls = true
  region.raw = ''
}

export const createMarkedJsonParser = (
  format: MarkedJson,
  createId: () => string,
): ToolCallParser => {
  const markers = format.openings.map((opening) => opening.marker)
  const writer = createOutputWriter(createId)
  let buffer = ''
  let region: Region | null = null
  let isStart = format.bare !== null

  const take = (length: number): string => {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return text
  }
  const begin = () => createCallReader(format.keys, writer)

  /** Bare JSON at the output's beginning. False: more text is needed to tell. */
  const stepStart = (final: boolean): boolean => {
    const at = buffer.length - buffer.trimStart().length
    if (at === buffer.length && !final) return false
    const match = matchMarker(buffer, markers, { at, final })
    if (match === 'partial') return false
    isStart = false
    if (match === 'none' && buffer[at] === format.bare) {
      writer.content(take(at))
      region = openRegion(null, '')
    }
    return true
  }
  const stepText = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, markers, { final })
    writer.content(take(at))
    const opening = format.openings.find((candidate) => candidate.marker === marker)
    if (opening === undefined) return false
    take(opening.marker.length)
    if (opening.isContent) writer.content(opening.marker)
    region = openRegion(opening.close, opening.isContent ? '' : opening.marker)
    return true
  }
  const leave = (current: Region, dropsLayout: boolean) => {
    if (current.reader) endObject(current, current.reader, false)
    if (!(dropsLayout && current.hasCalls && current.reader === null)) writer.content(current.raw)
    region = null
  }
  const stepRegion = (current: Region, final: boolean): boolean => {
    for (let at = 0; at < buffer.length; at++) {
      const char = buffer.charAt(at)
      const { close, reader } = current
      if (close !== null && char === close[0] && !reader?.inString()) {
        const match = matchMarker(buffer, [close], { at, final })
        if (match === 'partial') {
          take(at)
          return false
        }
        if (match !== 'none') {
          take(at + close.length)
          closeRegion(current, close)
          return true
        }
      }
      const isInside = reader
        ? readObject(current, reader, char)
        : readBetween(current, char, begin, format)
      if (!isInside) {
        take(at)
        leave(current, false)
        return true
      }
    }
    buffer = ''
    return false
  }
  const closeRegion = (current: Region, close: string) => {
    if (current.reader) endObject(current, current.reader, true)
    const isContent = current.reader !== null || !current.hasCalls
    leave(current, true)
    if (isContent) writer.content(close)
  }
  const run = (final: boolean) => {
    const step = (): boolean => {
      if (buffer === '') return false
      if (region) return stepRegion(region, final)
      return isStart ? stepStart(final) : stepText(final)
    }
    while (step()) continue
  }
  return {
    push: (text) => {
      buffer += text
      run(false)
      return writer.take()
    },
    finish: () => {
      // Cut off inside its closing marker, a call is still a call, and the rest no text.
      if (region && (region.hasCalls || region.reader?.isEmitted())) buffer = ''
      run(true)
      if (region) leave(region, true)
      writer.finish()
      return writer.take()
    },
  }
}
